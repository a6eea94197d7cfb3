"""Webhooks are signed as the interface says, tried again on its schedule, and then given up."""

import base64
import hashlib
import hmac
from datetime import UTC, datetime, timedelta

import pytest
from attrs import evolve
from hypothesis import given
from hypothesis.strategies import binary, integers, lists, text

from kiwisms.domain.delivery import (
    TRANSITIONS,
    Delivery,
    DeliveryEvent,
    DeliveryStatus,
    FailedTry,
    jitter,
)
from kiwisms.domain.errors import ValidationRefused
from kiwisms.domain.ids import DeliveryId
from kiwisms.domain.signature import new_secret, sign
from kiwisms.domain.transitions import TransitionRefused
from kiwisms.domain.webhook import Webhook, check_url
from tests.unit.domain.samples import ADA, NOW, seconds

SCHEDULE = [5, 30, 2 * 60, 10 * 60, 3600, 6 * 3600, 24 * 3600]
DAY = timedelta(hours=24)

delivery_ids = text(min_size=1, max_size=40).map(DeliveryId)
moments = integers(1_600_000_000_000, 4_000_000_000_000).map(
    lambda millis: datetime.fromtimestamp(millis / 1000, UTC)
)
secrets = binary(min_size=24, max_size=64).map(new_secret)


def delivery(id: str = "d-1", status: DeliveryStatus = DeliveryStatus.PENDING) -> Delivery:
    return Delivery(
        id=DeliveryId(id),
        account_id=ADA,
        event="sms.received",
        rental_id=None,
        body="{}",
        status=status,
        created_at=NOW,
        due_at=NOW,
    )


# The schedule


@given(id=delivery_ids)
def test_a_failing_delivery_is_tried_on_schedule_and_then_given_up(id: DeliveryId) -> None:
    failing = delivery(id)
    for tried, pause in enumerate(SCHEDULE, start=1):
        at = failing.due_at
        assert at is not None
        failing = failing.failed("500", at)
        assert (failing.status, failing.attempts) == (DeliveryStatus.PENDING, tried)
        assert failing.last_error == "500"
        assert failing.due_at is not None
        assert 0.8 * pause <= (failing.due_at - at).total_seconds() <= 1.2 * pause
    failing = failing.failed("503", NOW + 2 * DAY)
    assert (failing.status, failing.attempts) == (DeliveryStatus.GIVEN_UP, 1 + len(SCHEDULE))
    assert (failing.last_error, failing.due_at) == ("503", None)


@given(id=delivery_ids, attempt=integers(0, 100))
def test_pauses_are_spread_by_a_fifth(id: DeliveryId, attempt: int) -> None:
    assert 0.8 <= jitter(id, attempt) <= 1.2
    assert jitter(id, attempt) == jitter(id, attempt)


def test_deliveries_do_not_come_back_all_at_once() -> None:
    factors = [jitter(DeliveryId(f"d-{number}"), 0) for number in range(1000)]
    tenths = [sum(lowest <= each < lowest + 0.04 for each in factors) for lowest in
              (0.8 + 0.04 * step for step in range(10))]  # fmt: skip
    assert min(tenths) > 50
    assert len({jitter(DeliveryId("d-1"), attempt) for attempt in range(7)}) == 7


def test_an_accepted_delivery_is_over() -> None:
    accepted = delivery().failed("500", NOW).accepted()
    assert (accepted.status, accepted.attempts) == (DeliveryStatus.DELIVERED, 2)
    assert (accepted.last_error, accepted.due_at) == (None, None)


def test_a_delivery_can_be_given_up_at_once() -> None:
    gone = delivery().given_up("410", NOW)
    assert (gone.status, gone.attempts, gone.last_error) == (DeliveryStatus.GIVEN_UP, 1, "410")
    assert gone.due_at is None


def test_each_failed_try_is_remembered_with_its_time_and_its_reason() -> None:
    failing = delivery().failed("HTTP 500", NOW).failed("timed out", NOW + seconds(5))
    accepted = failing.accepted()
    assert accepted.failures == (
        FailedTry(at=NOW, error="HTTP 500"),
        FailedTry(at=NOW + seconds(5), error="timed out"),
    )
    gone = accepted.resend(NOW).given_up("HTTP 410", NOW + seconds(6))
    assert gone.failures == (*accepted.failures, FailedTry(at=NOW + seconds(6), error="HTTP 410"))


def test_no_more_failures_are_remembered_than_one_schedule_has() -> None:
    failing = delivery()
    for number in range(20):
        failing = evolve(failing, tries_left=7).failed(f"{number}", NOW)
    assert [each.error for each in failing.failures] == [f"{number}" for number in range(12, 20)]


@pytest.mark.parametrize("status", DeliveryStatus)
def test_a_delivery_is_sent_again_with_the_whole_schedule_ahead(status: DeliveryStatus) -> None:
    later = NOW + DAY
    again = evolve(delivery(status=status), tries_left=0, attempts=8).resend(later)
    assert (again.status, again.due_at, again.attempts) == (DeliveryStatus.PENDING, later, 8)
    failed = again.failed("500", later)
    assert failed.due_at is not None
    assert 4 <= (failed.due_at - later).total_seconds() <= 6
    for _ in SCHEDULE[1:]:
        failed = failed.failed("500", later)
        assert failed.status is DeliveryStatus.PENDING
    assert failed.failed("500", later).status is DeliveryStatus.GIVEN_UP


@pytest.mark.parametrize("status", DeliveryStatus)
@pytest.mark.parametrize("event", DeliveryEvent)
def test_only_what_is_in_the_table_can_happen(status: DeliveryStatus, event: DeliveryEvent) -> None:
    acts = {
        DeliveryEvent.ACCEPT: lambda each: each.accepted(),
        DeliveryEvent.RETRY: lambda each: each.failed("500", NOW),
        DeliveryEvent.GIVE_UP: lambda each: each.given_up("410", NOW),
        DeliveryEvent.RESEND: lambda each: each.resend(NOW),
    }
    if (status, event) in TRANSITIONS:
        assert acts[event](delivery(status=status)).status is TRANSITIONS[status, event]
    else:
        with pytest.raises(TransitionRefused, match=f"{status} allows no {event}"):
            acts[event](delivery(status=status))


def test_what_is_over_is_over_unless_somebody_asks() -> None:
    for over in (DeliveryStatus.DELIVERED, DeliveryStatus.GIVEN_UP):
        assert {event for status, event in TRANSITIONS if status is over} == {DeliveryEvent.RESEND}


def test_the_body_of_a_delivery_is_not_shown() -> None:
    assert "0042" not in repr(evolve(delivery(), body='{"code": "0042"}'))


# The signatures


def standard_signature(secret: str, signed: bytes) -> str:
    key = base64.b64decode(secret[len("whsec_") :])
    return "v1," + base64.b64encode(hmac.digest(key, signed, "sha256")).decode()


@given(
    body=binary(max_size=200),
    chosen=lists(secrets, min_size=1, max_size=2),
    at=moments,
)
def test_both_signatures_are_those_of_the_interface(
    body: bytes, chosen: list[str], at: datetime
) -> None:
    headers = sign(body, delivery_id=DeliveryId("d-1"), at=at, secrets=tuple(chosen))
    signed = b"d-1." + headers["webhook-timestamp"].encode() + b"." + body
    assert headers == {
        "X-Webhook-Signature": hmac.new(chosen[0].encode(), body, hashlib.sha256).hexdigest(),
        "webhook-id": "d-1",
        "webhook-timestamp": str(int(at.timestamp())),
        "webhook-signature": " ".join(standard_signature(each, signed) for each in chosen),
    }


def test_a_signature_that_was_computed_elsewhere() -> None:
    # The published example of Standard Webhooks.
    headers = sign(
        b'{"test": 2432232314}',
        delivery_id=DeliveryId("msg_p5jXN8AQM9LWM0D4loKWxJek"),
        at=datetime.fromtimestamp(1614265330, UTC),
        secrets=("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",),
    )
    assert headers["webhook-signature"] == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


@given(chance=binary(min_size=32, max_size=32))
def test_a_secret_is_marked_and_holds_all_of_the_chance(chance: bytes) -> None:
    secret = new_secret(chance)
    assert secret.startswith("whsec_")
    assert base64.b64decode(secret.removeprefix("whsec_"), validate=True) == chance


# The address


@pytest.fixture
def webhook() -> Webhook:
    return Webhook(account_id=ADA, url="https://example.com/hook", sealed_secret="sealed-1")


def test_one_secret_signs_until_it_is_rotated(webhook: Webhook) -> None:
    assert webhook.signing(NOW) == ("sealed-1",)


def test_for_a_day_after_a_rotation_both_secrets_sign(webhook: Webhook) -> None:
    rotated = webhook.rotate("sealed-2", NOW)
    assert rotated.signing(NOW) == ("sealed-2", "sealed-1")
    assert rotated.signing(NOW + DAY - seconds(0.001)) == ("sealed-2", "sealed-1")
    assert rotated.signing(NOW + DAY) == ("sealed-2",)


def test_a_second_rotation_leaves_the_last_two_secrets(webhook: Webhook) -> None:
    rotated = webhook.rotate("sealed-2", NOW).rotate("sealed-3", NOW + seconds(60))
    assert rotated.signing(NOW + seconds(60)) == ("sealed-3", "sealed-2")
    assert rotated.signing(NOW + DAY) == ("sealed-3", "sealed-2")
    assert rotated.signing(NOW + DAY + seconds(60)) == ("sealed-3",)


def test_an_address_can_be_stopped(webhook: Webhook) -> None:
    assert webhook.stopped_at is None
    stopped = webhook.stop(NOW)
    assert stopped.stopped_at == NOW
    assert stopped.move_to(webhook.url) == webhook
    assert stopped.move_to("https://b.example").url == "https://b.example"


def test_secrets_are_not_shown(webhook: Webhook) -> None:
    assert "sealed" not in repr(webhook.rotate("sealed-2", NOW)).replace("sealed_", "")


@pytest.mark.parametrize(
    "url",
    [
        "https://example.com/hook",
        "http://example.com",
        "HTTPS://EXAMPLE.COM:8443/a?b=c#d",
        "http://127.0.0.1:8080/",
        "http://[::1]:9/",
        "https://example.com/@ada",
        "https://example.com?who=ada@example.com",
        "https://xn--bcher-kva.example/",
        "https://example.com/" + "a" * 2028,
    ],
)
def test_an_address_that_can_be_called_is_kept_as_it_is(url: str) -> None:
    assert check_url(url) == url


@pytest.mark.parametrize(
    "url",
    [
        "",
        "example.com/hook",
        "//example.com/hook",
        "/hook",
        "http:",
        "http://",
        "http:///hook",
        "http://:80/",
        "ftp://example.com/",
        "file:///etc/passwd",
        "javascript:alert(1)",
        "http://example.com:0/",
        "http://example.com:65536/",
        "http://example.com:port/",
        "http://[::1/",
        "http://exa mple.com/",
        "http://example.com/\n",
        "\thttp://example.com/",
        "http://bücher.example/",
        "http://ada@example.com/",
        "http://ada:pw@example.com/",
        "http://@example.com/",
        "http://example.com\\@127.0.0.1/",
        "https://example.com/" + "a" * 2029,
    ],
)
def test_an_address_that_cannot_be_called_is_refused(url: str) -> None:
    with pytest.raises(ValidationRefused) as refused:
        check_url(url)
    assert refused.value.field == "url"
    assert "pw" not in str(refused.value)


@pytest.mark.parametrize(
    ("url", "advice"),
    [
        ("https://bücher.example/", "xn--"),
        ("https://example.com/" + "a" * 2029, "2048"),
        ("example.com", "http://"),
    ],
)
def test_a_refused_address_is_told_what_to_write(url: str, advice: str) -> None:
    with pytest.raises(ValidationRefused, match=advice):
        check_url(url)


@given(url=text() | text("htps:/@[].0a?#").map(lambda rest: "http://" + rest))
def test_no_text_makes_the_check_fail_otherwise(url: str) -> None:
    try:
        assert check_url(url) == url
    except ValidationRefused:
        return
    assert url.lower().startswith(("http://", "https://"))


def test_all_secrets_that_sign_are_sealed_anew(webhook: Webhook) -> None:
    rotated = webhook.rotate("sealed-2", NOW).reseal(str.upper, NOW + seconds(1))
    assert rotated.signing(NOW) == ("SEALED-2", "SEALED-1")
    assert webhook.reseal(str.upper, NOW).signing(NOW) == ("SEALED-1",)


def test_a_secret_that_signs_no_more_is_forgotten_when_the_other_is_sealed_anew(
    webhook: Webhook,
) -> None:
    resealed = webhook.rotate("sealed-2", NOW).reseal(str.upper, NOW + DAY)
    assert (resealed.sealed_secret, resealed.sealed_old_secret) == ("SEALED-2", None)
