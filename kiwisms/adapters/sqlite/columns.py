"""What a column can hold: text and integers, exactly."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from kiwisms.domain.delivery import FailedTry
from kiwisms.domain.events import WebhookEvent, in_events
from kiwisms.domain.money import Money
from kiwisms.domain.reconciliation import Balance
from kiwisms.domain.sms import Message

Row = tuple[Any, ...]
"""What the driver gives and takes: text, integers and ``None``."""

EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND: Final = timedelta(microseconds=1)
NONE: Final = "[]"


def from_moment(moment: datetime) -> int:
    """Count the microseconds since 1970; exact, where a float would not be."""
    return (moment - EPOCH) // MICROSECOND


def to_moment(micros: int) -> datetime:
    """Turn `from_moment` around."""
    return EPOCH + timedelta(microseconds=micros)


def from_optional_moment(moment: datetime | None) -> int | None:
    """Do as `from_moment`, where there is a moment."""
    return None if moment is None else from_moment(moment)


def to_optional_moment(micros: int | None) -> datetime | None:
    """Turn `from_optional_moment` around."""
    return None if micros is None else to_moment(micros)


def from_optional_money(money: Money | None) -> int | None:
    """Write an amount, where there is one."""
    return None if money is None else money.micros


def to_optional_money(micros: int | None) -> Money | None:
    """Turn `from_optional_money` around."""
    return None if micros is None else Money(micros)


def from_balance(balance: Balance | None) -> Row:
    """Write a balance, where there is one, into two columns: how much, and when."""
    return (None, None) if balance is None else (balance.amount.micros, from_moment(balance.at))


def to_balance(micros: int | None, at: int | None) -> Balance | None:
    """Turn `from_balance` around."""
    return None if micros is None or at is None else Balance(amount=Money(micros), at=to_moment(at))


def from_messages(messages: tuple[Message, ...]) -> str:
    """Write messages into one column, so that a rental is one row."""
    if not messages:
        return NONE
    return json.dumps(
        [
            {"code": message.code, "text": message.text, "at": from_moment(message.at)}
            for message in messages
        ]
    )


def to_messages(text: str) -> tuple[Message, ...]:
    """Turn `from_messages` around."""
    if text == NONE:
        return ()
    return tuple(
        Message(code=each["code"], text=each["text"], at=to_moment(each["at"]))
        for each in json.loads(text)
    )


def from_events(events: frozenset[WebhookEvent]) -> str:
    """Write the events that an address asks for into one column."""
    return ",".join(sorted(events))


def to_events(text: str) -> frozenset[WebhookEvent]:
    """Turn `from_events` around."""
    return in_events(text.split(","))


def from_failures(failures: tuple[FailedTry, ...]) -> str:
    """Write failed tries into one column, so that a delivery is one row."""
    if not failures:
        return NONE
    return json.dumps([{"at": from_moment(each.at), "error": each.error} for each in failures])


def to_failures(text: str) -> tuple[FailedTry, ...]:
    """Turn `from_failures` around."""
    if text == NONE:
        return ()
    return tuple(
        FailedTry(at=to_moment(each["at"]), error=each["error"]) for each in json.loads(text)
    )
