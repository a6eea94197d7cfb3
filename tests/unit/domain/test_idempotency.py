"""One key makes one rental, however often it is sent."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from attrs import evolve
from hypothesis import example, given
from hypothesis.strategies import dictionaries, integers, one_of, sampled_from, text

from kiwisms.domain.errors import ValidationRefused
from kiwisms.domain.idempotency import (
    TRANSITIONS,
    Fingerprint,
    IdempotencyConflict,
    IdempotencyKeyReused,
    IdempotencyRecord,
    KeyEvent,
    KeyState,
    fingerprint,
    parse_idempotency_key,
    replay,
)
from kiwisms.domain.ids import AccountId, IdempotencyKey, RentalId
from kiwisms.domain.transitions import TransitionRefused

NOW = datetime(2026, 1, 1, tzinfo=UTC)
SAME, OTHER = Fingerprint("same"), Fingerprint("other")
RENTAL = RentalId("r-1")
DAY = timedelta(hours=24)


def record(state: KeyState) -> IdempotencyRecord:
    return IdempotencyRecord(
        key=IdempotencyKey("order-42"),
        account_id=AccountId("01890a5d-ac96-774b-bcce-b302099a8057"),
        fingerprint=SAME,
        rental_id=RENTAL,
        state=state,
        claimed_at=NOW,
    )


def claim(earlier: IdempotencyRecord | None) -> IdempotencyRecord:
    wanted = record(KeyState.RUNNING)
    return IdempotencyRecord.claim(
        earlier,
        key=wanted.key,
        account_id=wanted.account_id,
        fingerprint=wanted.fingerprint,
        rental_id=wanted.rental_id,
        at=NOW,
    )


@pytest.mark.parametrize("state", KeyState)
@pytest.mark.parametrize("event", [KeyEvent.FINISH, KeyEvent.FREE])
def test_only_what_is_in_the_table_can_happen(state: KeyState, event: KeyEvent) -> None:
    act = {KeyEvent.FINISH: IdempotencyRecord.finish, KeyEvent.FREE: IdempotencyRecord.free}[event]
    if (state, event) in TRANSITIONS:
        assert act(record(state)).state is TRANSITIONS[state, event]
    else:
        with pytest.raises(TransitionRefused, match=f"KeyState {state} allows no {event}"):
            act(record(state))


@pytest.mark.parametrize(
    "earlier",
    [None, record(KeyState.FREE), evolve(record(KeyState.FINISHED), claimed_at=NOW - DAY)],
)
def test_a_key_that_belongs_to_no_request_can_be_claimed(
    earlier: IdempotencyRecord | None,
) -> None:
    assert claim(earlier) == record(KeyState.RUNNING)


@pytest.mark.parametrize("state", [KeyState.RUNNING, KeyState.FINISHED])
def test_a_key_that_belongs_to_a_request_cannot(state: KeyState) -> None:
    with pytest.raises(TransitionRefused, match=f"{state} allows no CLAIM"):
        claim(record(state))


def test_a_finished_key_is_finished_for_good() -> None:
    assert KeyState.FINISHED not in {state for state, _ in TRANSITIONS}


def test_every_state_can_be_come_to() -> None:
    assert set(TRANSITIONS.values()) == set(KeyState)


def test_an_unknown_key_is_free_to_claim() -> None:
    assert replay(None, SAME, NOW) is None


@pytest.mark.parametrize("asked", [SAME, OTHER])
def test_a_freed_key_is_free_to_claim_for_anything(asked: Fingerprint) -> None:
    assert replay(record(KeyState.FREE), asked, NOW) is None


def test_a_finished_request_is_replayed() -> None:
    assert replay(record(KeyState.FINISHED), SAME, NOW) == RENTAL


def test_a_running_request_is_a_conflict() -> None:
    with pytest.raises(IdempotencyConflict):
        replay(record(KeyState.RUNNING), SAME, NOW)


@pytest.mark.parametrize("state", [KeyState.RUNNING, KeyState.FINISHED])
def test_another_request_may_not_use_the_key(state: KeyState) -> None:
    with pytest.raises(IdempotencyKeyReused):
        replay(record(state), OTHER, NOW)


@given(seconds=integers(0, 3 * 86_400), asked=sampled_from([SAME, OTHER]))
@example(seconds=86_399, asked=SAME)
@example(seconds=86_400, asked=SAME)
def test_a_finished_key_is_free_again_after_a_day(seconds: int, asked: Fingerprint) -> None:
    finished, now = record(KeyState.FINISHED), NOW + timedelta(seconds=seconds)
    assert finished.binds(now) == (seconds < DAY.total_seconds())
    if not finished.binds(now):
        assert replay(finished, asked, now) is None


def test_a_running_key_stays_bound_however_long_it_takes() -> None:
    with pytest.raises(IdempotencyConflict):
        replay(record(KeyState.RUNNING), SAME, NOW + 100 * DAY)


@given(key=text())
def test_a_key_is_taken_as_it_is_or_refused(key: str) -> None:
    if key.strip() and len(key) <= 256 and key.isprintable():
        assert parse_idempotency_key(key) == key
    else:
        with pytest.raises(ValidationRefused) as refused:
            parse_idempotency_key(key)
        assert refused.value.field == "idempotency_key"


def test_the_longest_key_has_256_characters() -> None:
    assert parse_idempotency_key("k" * 256) == "k" * 256
    for key in ("", "k" * 257):
        with pytest.raises(ValidationRefused):
            parse_idempotency_key(key)


def test_a_key_is_named_as_whoever_gave_it_knows_it() -> None:
    key: Any = 42
    with pytest.raises(TypeError, match=r"^idempotency_key must be a str, not int"):
        parse_idempotency_key(key)
    with pytest.raises(ValidationRefused, match=r"^Idempotency-Key: "):
        parse_idempotency_key("", field="Idempotency-Key")


def test_no_key_is_no_key() -> None:
    assert parse_idempotency_key(None) is None


@given(body=dictionaries(text(), one_of(text(), integers()), max_size=5))
def test_the_order_of_members_does_not_matter(body: dict[str, object]) -> None:
    turned = dict(reversed(body.items()))
    assert fingerprint("POST", "/rentals", body) == fingerprint("POST", "/rentals", turned)


def test_each_part_of_a_request_counts() -> None:
    requests = [
        ("ada", "/rentals", None, {"service": "go"}),
        ("bob", "/rentals", None, {"service": "go"}),
        ("ada", "/renew", None, {"service": "go"}),
        ("ada", "/rentals", "r-1", {"service": "go"}),
        ("ada", "/rentals", None, {"service": "wa"}),
        ("ada", "/rentals", None, {"service": "go", "carrier": None}),
        ("ada", "/rentals", None, {}),
        ("ada", "/rentals", {"service": "go"}, None),
    ]
    assert len({fingerprint(*request) for request in requests}) == len(requests)


def test_what_is_not_plain_is_refused() -> None:
    with pytest.raises(TypeError):
        fingerprint("rent", RENTAL, NOW)
