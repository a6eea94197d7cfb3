"""A short text is of one line and of so many characters, or its field is named."""

import pytest
from hypothesis import example, given
from hypothesis.strategies import integers, text

from kiwisms.domain.errors import ValidationRefused
from kiwisms.domain.text import printable


@given(given=text(max_size=12), longest=integers(1, 10))
@example(given="\x1b[2J", longest=10)
@example(given="a\x00", longest=10)
@example(given="\ud800", longest=10)
@example(given="  ", longest=10)
def test_a_text_is_given_back_as_it_is_or_refused(given: str, longest: int) -> None:
    if given.isprintable() and given.strip() and len(given) <= longest:
        assert printable("note", given, longest=longest) == given
    else:
        with pytest.raises(ValidationRefused) as refused:
            printable("note", given, longest=longest)
        assert str(refused.value) == f"note: must have 1 to {longest} printable characters"


@pytest.mark.parametrize("nothing", ["", "  "])
def test_a_text_may_be_left_out_where_that_is_said(nothing: str) -> None:
    assert printable("label", nothing, longest=2, shortest=0) == nothing
    with pytest.raises(ValidationRefused, match="label: must have at most 2 printable"):
        printable("label", "abc", longest=2, shortest=0)
