"""What a column can hold, and how a parameter is sent."""

import json
from datetime import UTC, datetime
from typing import Any, Final

import psycopg
from psycopg.adapt import AdaptersMap, Dumper

from kiwisms.domain.delivery import FailedTry
from kiwisms.domain.events import WebhookEvent, in_events
from kiwisms.domain.money import Money
from kiwisms.domain.reconciliation import Balance
from kiwisms.domain.sms import Code, Message

Row = tuple[Any, ...]
"""What the driver gives and takes: text, integers, moments and ``None``."""

NONE: Final = "[]"


class _Untyped(Dumper):
    """
    Sends a value as text whose type the server finds out.

    The driver would send a small number as another type than a large one or ``None``, and
    prepare a statement anew for every combination of them.
    """

    def dump(self, obj: object) -> bytes:
        return str(obj).encode()


ADAPTERS: Final = AdaptersMap(psycopg.adapters)
ADAPTERS.register_dumper(int, _Untyped)
ADAPTERS.register_dumper(datetime, _Untyped)


def to_moment(moment: datetime) -> datetime:
    """Read a moment, which comes in the time zone of the session."""
    return moment.astimezone(UTC)


def to_optional_moment(moment: datetime | None) -> datetime | None:
    """Do as `to_moment`, where there is a moment."""
    return None if moment is None else moment.astimezone(UTC)


def from_optional_money(money: Money | None) -> int | None:
    """Write an amount, where there is one."""
    return None if money is None else money.micros


def to_optional_money(micros: int | None) -> Money | None:
    """Turn `from_optional_money` around."""
    return None if micros is None else Money(micros)


def from_balance(balance: Balance | None) -> Row:
    """Write a balance, where there is one, into two columns: how much, and when."""
    return (None, None) if balance is None else (balance.amount.micros, balance.at)


def to_balance(micros: int | None, at: datetime | None) -> Balance | None:
    """Turn `from_balance` around."""
    return None if micros is None or at is None else Balance(amount=Money(micros), at=to_moment(at))


def from_messages(messages: tuple[Message, ...]) -> str:
    """Write messages into one column, so that a rental is one row."""
    if not messages:
        return NONE
    return json.dumps(
        [
            {"code": message.code, "text": message.text, "at": message.at.isoformat()}
            for message in messages
        ]
    )


def to_messages(messages: list[dict[str, Any]]) -> tuple[Message, ...]:
    """Turn `from_messages` around, after the driver has read the JSON."""
    return tuple(
        Message(code=Code(each["code"]), text=each["text"], at=datetime.fromisoformat(each["at"]))
        for each in messages
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
    return json.dumps([{"at": each.at.isoformat(), "error": each.error} for each in failures])


def to_failures(failures: list[dict[str, Any]]) -> tuple[FailedTry, ...]:
    """Turn `from_failures` around, after the driver has read the JSON."""
    return tuple(
        FailedTry(at=datetime.fromisoformat(each["at"]), error=each["error"]) for each in failures
    )
