"""Lists that are stored in one column, as JSON."""

import json
from collections.abc import Callable
from datetime import datetime
from typing import Any, Final

from kiwisms.domain.delivery import FailedTry
from kiwisms.domain.sms import Message

FromMoment = Callable[[datetime], int | str]
"""Encodes a moment for a database, for a column or for JSON."""
ToMoment = Callable[[Any], datetime]
"""Decodes a moment of a database."""

EMPTY: Final = "[]"
"""The most frequent list, which need not be parsed."""


def from_messages(messages: tuple[Message, ...], from_moment: FromMoment) -> str:
    """Encode the messages of a rental."""
    if not messages:
        return EMPTY
    return json.dumps(
        [{"code": each.code, "text": each.text, "at": from_moment(each.at)} for each in messages]
    )


def to_messages(text: str, to_moment: ToMoment) -> tuple[Message, ...]:
    """Decode the messages of a rental: the inverse of `from_messages`."""
    if text == EMPTY:
        return ()
    return tuple(
        Message(code=each["code"], text=each["text"], at=to_moment(each["at"]))
        for each in json.loads(text)
    )


def from_failures(failures: tuple[FailedTry, ...], from_moment: FromMoment) -> str:
    """Encode the failed tries of a delivery."""
    if not failures:
        return EMPTY
    return json.dumps([{"at": from_moment(each.at), "error": each.error} for each in failures])


def to_failures(text: str, to_moment: ToMoment) -> tuple[FailedTry, ...]:
    """Decode the failed tries of a delivery: the inverse of `from_failures`."""
    if text == EMPTY:
        return ()
    return tuple(
        FailedTry(at=to_moment(each["at"]), error=each["error"]) for each in json.loads(text)
    )
