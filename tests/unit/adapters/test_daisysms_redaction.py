"""What upstream said can be logged, and the key is not in it."""

import re

from hypothesis import given
from hypothesis import strategies as st

from kiwisms.adapters.daisysms.redaction import Redaction


@given(st.text(), st.text(min_size=1).filter(str.strip), st.text(), st.integers(0, 5_000))
def test_an_excerpt_is_short_and_printable(before: str, key: str, after: str, pad: int) -> None:
    excerpt = Redaction(key).excerpt(" " * pad + before + key + after)
    assert len(excerpt) <= 80
    assert excerpt.isprintable()
    if re.fullmatch(r"[\w-]{8,}", key):
        assert key not in excerpt


@given(st.from_regex(r"\d{10,15}", fullmatch=True), st.sampled_from(":,;/x "))
def test_no_phone_number_is_left(phone: str, after: str) -> None:
    excerpt = Redaction("s3cret").excerpt(f"ACCESS_NUMBER:999993:{phone}{after}")
    assert phone not in excerpt
    assert "ACCESS_NUMBER:999993:" in excerpt


def test_no_beginning_of_a_key_is_left_where_the_text_is_cut() -> None:
    assert Redaction("s3cret").excerpt(" " * 4093 + "s3cret") == ""
