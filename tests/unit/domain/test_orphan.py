"""A number is matched to the one request that it can belong to, or to none."""

from datetime import UTC, datetime, timedelta

import pytest
from attrs import evolve

from kiwisms.domain.catalog import ServiceCode
from kiwisms.domain.ids import ActivationId, IncidentId
from kiwisms.domain.orphan import Lost, Orphan, owner

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


def at(seconds: int) -> datetime:
    return NOON + timedelta(seconds=seconds)


LOST = Lost(incident_id=IncidentId("i-1"), service=ServiceCode("go"), since=at(0), until=at(10))
OTHER_LOST = evolve(LOST, incident_id=IncidentId("i-2"))
ORPHAN = Orphan(
    activation_id=ActivationId("1"), service=ServiceCode("go"), since=at(-60), until=at(60)
)
OTHER_ORPHAN = evolve(ORPHAN, activation_id=ActivationId("2"))


def test_one_number_and_one_request_belong_together() -> None:
    assert owner(ORPHAN, [LOST], [ORPHAN]) == LOST


def test_two_requests_or_two_numbers_are_not_guessed_about() -> None:
    assert owner(ORPHAN, [LOST, OTHER_LOST], [ORPHAN]) is None
    assert owner(ORPHAN, [LOST], [ORPHAN, OTHER_ORPHAN]) is None
    assert owner(ORPHAN, [], [ORPHAN]) is None


def test_a_request_that_may_still_be_answered_keeps_all_others_from_it() -> None:
    assert owner(ORPHAN, [LOST, evolve(LOST, incident_id=None)], [ORPHAN]) is None


@pytest.mark.parametrize(
    "other",
    [
        evolve(ORPHAN, service=ServiceCode("am")),
        evolve(ORPHAN, until=at(-1)),
        evolve(ORPHAN, since=at(11)),
    ],
    ids=["service", "before", "after"],
)
def test_another_service_or_time_is_another_number(other: Orphan) -> None:
    assert owner(other, [LOST], [other]) is None
    beside = evolve(other, activation_id=ActivationId("2"))
    assert owner(ORPHAN, [LOST], [ORPHAN, beside]) == LOST


def test_phones_decide_where_both_are_known() -> None:
    lost = evolve(LOST, phone="12015550001")
    right, wrong = (
        evolve(ORPHAN, phone="12015550001"),
        evolve(OTHER_ORPHAN, phone="12015550002"),
    )
    assert owner(right, [lost], [right, wrong]) == lost
    assert owner(wrong, [lost], [right, wrong]) is None
    assert owner(ORPHAN, [lost], [ORPHAN]) == lost
