"""The events that webhooks send, and their JSON."""

import json
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from attrs import field, frozen

from kiwisms.domain.contract_values import dollars, instant
from kiwisms.domain.delivery import TEST_EVENT
from kiwisms.domain.errors import ValidationRefused
from kiwisms.domain.ids import RentalId
from kiwisms.domain.money import Money
from kiwisms.domain.rental import Rental
from kiwisms.domain.rental_state import State
from kiwisms.domain.sms import Message
from kiwisms.domain.text import parse_texts

CodeAndText = tuple[str, str]


class WebhookEvent(StrEnum):
    """An event that an address can subscribe to."""

    SMS_RECEIVED = "sms.received"
    RENTAL_EXPIRED = "rental.expired"
    RENTAL_CANCELLED = "rental.cancelled"
    RENTAL_COMPLETED = "rental.completed"
    WALLET_LOW = "wallet.low"


@frozen(kw_only=True)
class Event:
    """An event to send: its name, its rental if it has one, and its facts."""

    name: str = field(converter=str)
    rental_id: RentalId | None = None
    facts: Mapping[str, str | float]

    def to_json(self) -> str:
        """Write the body that is sent."""
        return json.dumps(
            {"event": self.name, **self.facts}, ensure_ascii=False, separators=(",", ":")
        )


DEFAULT_EVENTS: Final = frozenset({WebhookEvent.SMS_RECEIVED})
"""The events of an address when none are chosen."""
END_EVENTS: Final[Mapping[State, WebhookEvent]] = MappingProxyType(
    {
        State.EXPIRED: WebhookEvent.RENTAL_EXPIRED,
        State.CANCELLED: WebhookEvent.RENTAL_CANCELLED,
        State.COMPLETED: WebhookEvent.RENTAL_COMPLETED,
    }
)
"""The event of each final state that a customer can see."""


def parse_events(names: str | Iterable[str]) -> frozenset[WebhookEvent]:
    """
    Parse the names of events.

    Args:
        names: The names, or one text with commas between them.

    Raises:
        ValidationRefused: A name is unknown, or no name is given.
        TypeError: A name is not a text.

    >>> sorted(parse_events("wallet.low, sms.received"))
    [<WebhookEvent.SMS_RECEIVED: 'sms.received'>, <WebhookEvent.WALLET_LOW: 'wallet.low'>]
    """
    asked = frozenset(parse_texts("events", names))
    unknown = ", ".join(sorted(asked - set(WebhookEvent)))
    if unknown or not asked:
        wrong = f"{unknown} is unknown: " if unknown else ""
        raise ValidationRefused("events", f"{wrong}must be some of {', '.join(WebhookEvent)}")
    return as_events(asked)


def as_events(names: Iterable[str]) -> frozenset[WebhookEvent]:
    """Convert known names to events."""
    return frozenset(map(WebhookEvent, names))


def rental_events(before: Rental | None, after: Rental) -> Iterator[Event]:
    """Make the events for the change between two versions of a rental."""
    for message in after.messages[0 if before is None else len(before.messages) :]:
        yield _sms_received(after, message)
    if before is None or before.state is not after.state:
        ended = END_EVENTS.get(after.state)
        if ended is not None:
            yield _rental_ended(ended, after)


def wallet_low(available: Money, threshold: Money, at: datetime) -> Event:
    """Make the event for a balance that fell below *threshold*."""
    return Event(
        name=WebhookEvent.WALLET_LOW,
        facts={
            "balance": dollars(available),
            "threshold": dollars(threshold),
            "at": instant(at),
        },
    )


def address_test(at: datetime) -> Event:
    """Make the event that tests whether an address can be reached."""
    return Event(name=TEST_EVENT, facts={"sentAt": instant(at)})


def message_in(body: str) -> CodeAndText | None:
    """Read the code and text from the body of a message's event; ``None`` for other events."""
    try:
        match json.loads(body):
            case {"otpCode": str(code), "smsText": str(sms)}:
                return code, sms
    except ValueError:
        pass
    return None


def code_and_text(message: Message) -> CodeAndText:
    """The code and the text in a message's event; without a text, the code is also the text."""
    return message.code, message.code if message.text is None else message.text


def fell_below(threshold: Money, *, before: Money, after: Money) -> bool:
    """Whether an amount was at or above *threshold*, and is below it now."""
    return after < threshold <= before


def _sms_received(rental: Rental, message: Message) -> Event:
    code, text = code_and_text(message)
    facts = {"otpCode": code, "smsText": text, "receivedAt": instant(message.at)}
    return _about(rental, WebhookEvent.SMS_RECEIVED, facts)


def _rental_ended(event: WebhookEvent, rental: Rental) -> Event:
    facts: dict[str, str | float] = {
        "status": rental.state,
        "price": dollars(rental.price),
        "at": instant(rental.changed_at),
    }
    return _about(rental, event, facts)


def _about(rental: Rental, event: WebhookEvent, facts: Mapping[str, str | float]) -> Event:
    whose = {
        "rentalId": rental.id,
        "serviceCode": rental.service,
        "serviceName": rental.service_name,
        "phone": rental.phone,
    }
    return Event(name=event, rental_id=rental.id, facts={**whose, **facts})
