"""What customers can be told of, and which rentals' ends are told."""

from collections.abc import Iterable, Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from kiwisms.domain.errors import ValidationRefused
from kiwisms.domain.money import Money
from kiwisms.domain.rental import Rental, State


class WebhookEvent(StrEnum):
    """An event that an address can ask for."""

    SMS_RECEIVED = "sms.received"
    RENTAL_EXPIRED = "rental.expired"
    RENTAL_CANCELLED = "rental.cancelled"
    RENTAL_COMPLETED = "rental.completed"
    WALLET_LOW = "wallet.low"


UNLESS_ASKED: Final = frozenset({WebhookEvent.SMS_RECEIVED})
"""What is sent to an address that asks for nothing else."""
ENDS: Final[Mapping[State, WebhookEvent]] = MappingProxyType(
    {
        State.EXPIRED: WebhookEvent.RENTAL_EXPIRED,
        State.CANCELLED: WebhookEvent.RENTAL_CANCELLED,
        State.COMPLETED: WebhookEvent.RENTAL_COMPLETED,
    }
)
"""The event of each state in which a number that the customer had can end."""


def read_events(names: str | Iterable[str]) -> frozenset[WebhookEvent]:
    """
    Read which events are asked for.

    Args:
        names: Their names, or one text with commas between them.

    Raises:
        ValidationRefused: A name is unknown, or there is none.

    >>> sorted(read_events("wallet.low, sms.received"))
    [<WebhookEvent.SMS_RECEIVED: 'sms.received'>, <WebhookEvent.WALLET_LOW: 'wallet.low'>]
    """
    given = names.split(",") if isinstance(names, str) else names
    asked = frozenset(name.strip() for name in given if name.strip())
    unknown = ", ".join(sorted(asked - set(WebhookEvent)))
    if unknown or not asked:
        wrong = f"{unknown} is unknown: " if unknown else ""
        raise ValidationRefused("events", f"{wrong}must be some of {', '.join(WebhookEvent)}")
    return in_events(asked)


def in_events(names: Iterable[str]) -> frozenset[WebhookEvent]:
    """Turn names that are known into events."""
    return frozenset(map(WebhookEvent, names))


def end_of(before: Rental | None, after: Rental) -> WebhookEvent | None:
    """Name the event of a rental that ended between two versions of it, if it did."""
    if before is not None and before.state is after.state:
        return None
    return ENDS.get(after.state)


def fell_below(threshold: Money, *, before: Money, after: Money) -> bool:
    """Whether an amount was at or above *threshold*, and is below it now."""
    return after < threshold <= before
