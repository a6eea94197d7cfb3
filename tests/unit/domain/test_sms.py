"""One SMS that is seen twice is one SMS."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kiwisms.domain.sms import Message
from tests.unit.domain.samples import NOW, PACE, message, rent, request, seconds

SIGHTS = st.builds(message, st.sampled_from(["0042", "42"]), st.sampled_from([None, "a", "b"]))


def test_a_message_seen_later_is_the_same() -> None:
    assert message("0042", "G-0042", at=NOW + seconds(9)).repeats(message("0042", "G-0042"))


def test_a_message_seen_again_without_its_text_is_the_same() -> None:
    assert message("0042").repeats(message("0042", "G-0042"))


def test_a_text_that_was_not_known_is_news() -> None:
    assert not message("0042", "G-0042").repeats(message("0042"))


@pytest.mark.parametrize(
    "other", [message("42", "G-0042"), message("0042", "again: 0042"), message("0043")]
)
def test_another_code_or_another_text_is_another_message(other: Message) -> None:
    assert not other.repeats(message("0042", "G-0042"))


@given(st.lists(SIGHTS, min_size=1))
def test_no_code_and_no_text_is_lost_and_none_is_kept_twice(sights: list[Message]) -> None:
    rental = rent(request())
    for sight in sights:
        rental = rental.receive(sight, NOW, PACE)
    kept = rental.messages
    for sight in sights:
        assert any(sight.repeats(each) for each in kept)
        assert rental.receive(sight, NOW, PACE) is rental
    for place, each in enumerate(kept):
        assert each in sights
        assert not any(each.repeats(earlier) for earlier in kept[:place])
