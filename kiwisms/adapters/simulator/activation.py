"""One number that the simulated upstream has rented out."""

from datetime import datetime
from enum import StrEnum

from attrs import Factory, define

from kiwisms.domain.catalog import CountryCode, ServiceCode
from kiwisms.domain.ids import ActivationId
from kiwisms.domain.money import Money
from kiwisms.domain.sms import Message
from kiwisms.ports.provider import Phone


class ActivationState(StrEnum):
    """The state of an activation upstream."""

    WAITING = "WAITING"
    RECEIVED = "RECEIVED"
    DONE = "DONE"
    CANCELLED = "CANCELLED"


@define(kw_only=True)
class Activation:
    """
    One rented number.

    *unseen* messages are shown only when they are asked for. *asked* is true from the request for a
    further message until it comes.
    """

    id: ActivationId
    service: ServiceCode
    country: CountryCode
    phone: Phone
    price: Money
    rented_at: datetime
    ends_at: datetime
    asleep_until: datetime | None = None
    state: ActivationState = ActivationState.WAITING
    messages: list[Message] = Factory(list)
    unseen: list[Message] = Factory(list)
    asked: bool = False

    def is_open(self, now: datetime) -> bool:
        """Whether a message can still arrive."""
        return (
            self.state in {ActivationState.WAITING, ActivationState.RECEIVED} and now < self.ends_at
        )
