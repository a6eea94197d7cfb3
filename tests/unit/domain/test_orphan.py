"""What speaks against a number being the answer to a request."""

from datetime import UTC, datetime, timedelta

import pytest
from attrs import evolve

from kiwisms.domain.catalog import ServiceCode
from kiwisms.domain.ids import ActivationId
from kiwisms.domain.orphan import Orphan, Request, may_match

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


def at(seconds: int) -> datetime:
    return NOON + timedelta(seconds=seconds)


REQUEST = Request(service=ServiceCode("go"), since=at(0), until=at(10))
ORPHAN = Orphan(
    activation_id=ActivationId("1"), service=ServiceCode("go"), since=at(-60), until=at(60)
)


def test_a_number_of_the_same_service_and_time_may_be_the_answer() -> None:
    assert may_match(ORPHAN, REQUEST)
    assert may_match(evolve(ORPHAN, until=at(0)), REQUEST)
    assert may_match(evolve(ORPHAN, since=at(10)), REQUEST)


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
    assert not may_match(other, REQUEST)


@pytest.mark.parametrize(
    ("told", "wanted", "may"),
    [("1", "1", True), ("1", "2", False), (None, "2", True), ("1", None, True)],
)
def test_phones_decide_where_both_are_known(
    told: str | None, wanted: str | None, may: bool
) -> None:
    assert may_match(evolve(ORPHAN, phone=told), evolve(REQUEST, phone=wanted)) is may
