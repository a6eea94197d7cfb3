"""Lists that are kept in one column, as JSON."""

import json
from collections.abc import Callable
from datetime import datetime
from typing import Any, Final

from kiwisms.domain.delivery import FailedTry
from kiwisms.domain.sms import Message

FromMoment = Callable[[datetime], int | str]
"""Writes a moment as a database keeps it, in a column or in JSON."""
ToMoment = Callable[[Any], datetime]
"""Reads a moment as a database keeps it."""

EMPTY: Final = "[]"
"""What most lists are; it need not be parsed."""


def from_messages(messages: tuple[Message, ...], from_moment: FromMoment) -> str:
    """Write the messages of a rental."""
    if not messages:
        return EMPTY
    return json.dumps(
        [{"code": each.code, "text": each.text, "at": from_moment(each.at)} for each in messages]
    )


def to_messages(text: str, to_moment: ToMoment) -> tuple[Message, ...]:
    """Turn `from_messages` around."""
    if text == EMPTY:
        return ()
    return tuple(
        Message(code=each["code"], text=each["text"], at=to_moment(each["at"]))
        for each in json.loads(text)
    )


def from_failures(failures: tuple[FailedTry, ...], from_moment: FromMoment) -> str:
    """Write the failed tries of a delivery."""
    if not failures:
        return EMPTY
    return json.dumps([{"at": from_moment(each.at), "error": each.error} for each in failures])


def to_failures(text: str, to_moment: ToMoment) -> tuple[FailedTry, ...]:
    """Turn `from_failures` around."""
    if text == EMPTY:
        return ()
    return tuple(
        FailedTry(at=to_moment(each["at"]), error=each["error"]) for each in json.loads(text)
    )
