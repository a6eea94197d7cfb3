"""What is taken for a pushed message, and what a look then confirms of it."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kiwisms.domain.errors import ValidationRefused
from kiwisms.domain.push import PushedMessage, confirmed_messages, push_secret, same_secret
from kiwisms.domain.sms import Code, Message

NOW = datetime(2026, 1, 1, 12, tzinfo=UTC)
GOOD = {
    "message_id": 999,
    "activation_id": 123,
    "service": "go",
    "text": "Your code is 0042",
    "code": "0042",
    "received_at": "2022-06-01 17:30:57",
}


def read(**other: Any) -> PushedMessage:
    return PushedMessage.parse(**{**GOOD, **other}, at=NOW)


def pushed(code: str | None, text: str = "x", seconds: int = 0) -> PushedMessage:
    at = NOW + timedelta(seconds=seconds)
    return PushedMessage.parse(
        message_id=1, activation_id=1, service="go", code=code, text=text, at=at
    )


def message(code: str, text: str | None = "x") -> Message:
    return Message(code=Code(code), text=text, at=NOW)


def confirmed(
    newest: Message, pushes: Sequence[PushedMessage], *, known: Sequence[Message]
) -> list[Message]:
    return confirmed_messages(newest, pushes, known=known, asked_at=NOW + timedelta(seconds=60))


def test_the_message_of_the_providers_documentation_is_read() -> None:
    taken = read()
    assert (taken.id, taken.activation_id, taken.service) == ("999", "123", "go")
    assert taken.received_at == datetime(2022, 6, 1, 17, 30, 57, tzinfo=UTC)
    assert taken.message() == Message(code=Code("0042"), text="Your code is 0042", at=NOW)


def test_an_id_may_be_text_and_what_is_not_needed_may_be_absent() -> None:
    assert read(message_id="999", activation_id="123") == read()
    bare = read(code=None, text=None, received_at=None)
    assert (bare.code, bare.text, bare.received_at, bare.message()) == (None, None, None, None)
    assert read(code="", received_at="yesterday").message() is None
    assert read(text="a\0b").text == "ab"


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("messageId", None),
        ("messageId", True),
        ("messageId", "with space"),
        ("messageId", "9" * 101),
        ("activationId", -1),
        ("activationId", 1.5),
        ("activationId", "abc"),
        ("activationId", ["1"]),
        ("service", ""),
        ("code", 42),
        ("code", "\x1b[2J"),
        ("code", "  "),
        ("code", "9" * 1001),
        ("text", {}),
        ("text", "x" * 10_001),
    ],
)
def test_what_upstream_would_not_push_is_refused_by_its_name(field: str, value: object) -> None:
    names = {"messageId": "message_id", "activationId": "activation_id"}
    with pytest.raises(ValidationRefused) as refused:
        read(**{names.get(field, field): value})
    assert refused.value.field == field


def test_a_look_confirms_what_was_pushed_before_it() -> None:
    both = [pushed("1"), pushed("2", seconds=1)]
    assert [each.code for each in confirmed(message("2"), both, known=[])] == ["1", "2"]
    assert [each.code for each in confirmed(message("1"), both, known=[])] == ["1", "2"]
    assert [each.code for each in confirmed(message("2"), both, known=[message("1")])] == ["2"]
    assert confirmed(message("2"), both, known=[message("1"), message("2")]) == []


def test_a_message_that_was_not_pushed_is_the_newest() -> None:
    found = confirmed(message("9"), [pushed("1"), pushed(None)], known=[])
    assert [each.code for each in found] == ["1", "9"]
    assert confirmed(message("9"), [], known=[]) == [message("9")]


def test_one_message_in_two_spellings_is_one() -> None:
    twice = [pushed("1", "a  b"), pushed("1", "a b")]
    assert [each.text for each in confirmed(message("1", "a b"), twice, known=[])] == ["a  b"]
    assert confirmed(message("1", "a b"), twice, known=[message("1", "A B")]) == []


def test_what_was_pushed_while_a_look_was_under_way_is_newer_than_what_it_shows() -> None:
    both = [pushed("1"), pushed("3", seconds=5)]
    began = NOW + timedelta(seconds=5)
    found = confirmed_messages(message("2"), both, known=[], asked_at=began)
    assert [each.code for each in found] == ["1", "2", "3"]


CODES = st.sampled_from("123")


@given(pushes=st.lists(CODES), known=st.lists(CODES, unique=True), newest=CODES)
def test_no_code_is_added_twice_and_none_is_lost(
    pushes: list[str], known: list[str], newest: str
) -> None:
    added = [
        each.code
        for each in confirmed(
            message(newest), [pushed(code) for code in pushes], known=[*map(message, known)]
        )
    ]
    assert len(added) == len(set(added))
    assert set(known) | set(added) == {*pushes, *known, newest}
    assert set(added) & set(known) <= {newest} - set(pushes)


def test_the_secret_is_the_keys_own_and_is_compared_whole() -> None:
    secret = push_secret("operator-secret-key")
    assert len(secret) == 64
    assert secret != push_secret("operator-secret-kez")
    assert same_secret(secret, secret)
    assert not same_secret(secret[:-1], secret)
    assert not same_secret("é\ud800", secret)
