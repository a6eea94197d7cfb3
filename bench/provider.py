"""A provider that answers at once and never runs out, so that only kiwisms is measured."""

from itertools import count

from kiwisms.domain.catalog import Catalog, CountryCode, Offer, ServiceCode
from kiwisms.domain.ids import ActivationId
from kiwisms.domain.money import Money
from kiwisms.ports.clock import Clock
from kiwisms.ports.provider import (
    Cancelled,
    Finished,
    Look,
    NumberOrder,
    Phone,
    Rented,
    Unknown,
    Waiting,
)

SERVICE = ServiceCode("go")
COST = Money.parse("0.30")


class InstantProvider:
    """A `Provider` without a network; each number is new, and no code ever comes."""

    asks_for_next = False

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._activations = count(1)

    async def rent(self, order: NumberOrder) -> Rented:
        """Rent a number."""
        del order
        return self._number()

    async def renew(self, activation_id: ActivationId) -> Rented:
        """Rent a number again; here it is a new one."""
        del activation_id
        return self._number()

    async def look(self, activation_id: ActivationId) -> Look:
        """Report that nothing has come."""
        del activation_id
        return Waiting()

    async def ask_next(self, activation_id: ActivationId) -> None:
        """Do nothing."""

    async def finish(self, activation_id: ActivationId) -> Finished:
        """Release a number."""
        del activation_id
        return Finished()

    async def cancel(self, activation_id: ActivationId) -> Cancelled:
        """Give a number back."""
        del activation_id
        return Cancelled()

    async def catalog(self, country: CountryCode) -> Catalog:
        """Offer one service."""
        offer = Offer(service=SERVICE, name="Google", cost=COST, count=100)
        return Catalog(country=country, offers={SERVICE: offer})

    async def balance(self) -> Money:
        """Report enough money."""
        return Money.parse(1_000_000)

    async def active(self) -> Unknown:
        """Report that there is no list."""
        return Unknown("no list", asked=False)

    def _number(self) -> Rented:
        number = next(self._activations)
        return Rented(
            activation_id=ActivationId(str(number)), phone=Phone(f"1{number:010d}"), cost=COST
        )
