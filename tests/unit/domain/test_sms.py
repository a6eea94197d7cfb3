"""One SMS that is seen twice is one SMS."""

import pytest

from kiwisms.domain.sms import Message
from tests.unit.domain.samples import NOW, message, seconds


def test_a_message_seen_later_is_the_same() -> None:
    assert message("0042", "G-0042").same_as(message("0042", "G-0042", at=NOW + seconds(9)))


@pytest.mark.parametrize(
    "other",
    [message("42", "G-0042"), message("0042", "again: 0042"), message("0042"), message("0043")],
)
def test_another_code_or_another_text_is_another_message(other: Message) -> None:
    assert not message("0042", "G-0042").same_as(other)
