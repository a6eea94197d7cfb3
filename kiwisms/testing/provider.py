"""An upstream in the same process, for tests that need no network."""

from collections.abc import Sequence

from kiwisms.adapters.simulator.activation import Activation
from kiwisms.adapters.simulator.upstream import CAP, Upstream
from kiwisms.domain.catalog import Catalog, CountryCode, Offer
from kiwisms.domain.ids import ActivationId
from kiwisms.domain.money import Money
from kiwisms.ports.clock import Clock
from kiwisms.ports.provider import (
    Active,
    Ambiguous,
    Cancelled,
    Finished,
    Gone,
    Look,
    NumberOrder,
    Refusal,
    Refused,
    Rented,
    TooEarly,
    Unknown,
)
from kiwisms.testing.script import Script


class FakeProvider:
    """
    A `Provider` over a simulated upstream account, fast and the same in every run.

    Each ``on_…`` counts the calls of one method, and can make the next calls fail:
    ``fake.on_rent.next(Unknown("lost"), acts=True)`` rents a number and loses the answer.
    """

    def __init__(self, clock: Clock, upstream: Upstream | None = None) -> None:
        self.upstream = Upstream() if upstream is None else upstream
        self.on_rent: Script[Rented | Refused | Unknown] = Script()
        self.on_renew: Script[Rented | Refused | Unknown] = Script()
        self.on_look: Script[Look] = Script()
        self.on_ask_next: Script[bool] = Script()
        self.on_finish: Script[Finished | Gone | Refused | Unknown] = Script()
        self.on_cancel: Script[Cancelled | Ambiguous | Gone | TooEarly | Refused | Unknown] = (
            Script()
        )
        self.on_catalog: Script[Catalog | Refused | Unknown] = Script()
        self.on_balance: Script[Money | Refused | Unknown] = Script()
        self.on_active: Script[Sequence[Active] | Refused | Unknown] = Script()
        self._clock = clock

    @property
    def asks_for_next(self) -> bool:
        """Whether each further message must be asked for."""
        return self.upstream.asks_for_next

    def deliver(
        self, code: str, *, text: str | None = None, to: str | None = None
    ) -> Activation | None:
        """Deliver a message now; arguments and result are those of `Upstream.deliver`."""
        return self.upstream.deliver(code, self._clock.now(), text=text, to=to)

    async def rent(self, order: NumberOrder) -> Rented | Refused | Unknown:
        """Rent a number."""
        await self._clock.sleep(0)
        return await self.on_rent.play(
            lambda: _rented(self.upstream.rent(order, self._clock.now()))
        )

    async def renew(self, activation_id: ActivationId) -> Rented | Refused | Unknown:
        """Rent the number of an earlier activation again."""
        await self._clock.sleep(0)
        return await self.on_renew.play(
            lambda: _rented(self.upstream.renew(activation_id, self._clock.now()))
        )

    async def look(self, activation_id: ActivationId) -> Look:
        """Read the state of a number and its last message."""
        await self._clock.sleep(0)
        return await self.on_look.play(lambda: self.upstream.look(activation_id, self._clock.now()))

    async def ask_next(self, activation_id: ActivationId) -> None:
        """Ask for a further message."""
        await self._clock.sleep(0)
        await self.on_ask_next.play(
            lambda: self.upstream.ask_next(activation_id, self._clock.now())
        )

    async def finish(self, activation_id: ActivationId) -> Finished | Gone | Refused | Unknown:
        """Release a number."""
        await self._clock.sleep(0)
        return await self.on_finish.play(
            lambda: self.upstream.finish(activation_id, self._clock.now())
        )

    async def cancel(
        self, activation_id: ActivationId
    ) -> Cancelled | Ambiguous | Gone | TooEarly | Refused | Unknown:
        """Cancel a number."""
        await self._clock.sleep(0)
        return await self.on_cancel.play(
            lambda: self.upstream.cancel(activation_id, self._clock.now())
        )

    async def catalog(self, country: CountryCode) -> Catalog | Refused | Unknown:
        """Read the offers of one country."""
        await self._clock.sleep(0)
        return await self.on_catalog.play(lambda: self._catalog(country))

    async def balance(self) -> Money | Refused | Unknown:
        """Read the money left upstream."""
        await self._clock.sleep(0)
        return await self.on_balance.play(lambda: self.upstream.money(self._clock.now()))

    async def active(self) -> Sequence[Active] | Refused | Unknown:
        """List the numbers that are rented now."""
        await self._clock.sleep(0)
        return await self.on_active.play(self._active)

    def _active(self) -> Sequence[Active] | Refused | Unknown:
        if not self.upstream.lists_active:
            return Unknown("has no list")
        return [
            Active(
                activation_id=each.id,
                service=each.service,
                phone=each.phone,
                rented_at=each.rented_at,
            )
            for each in self.upstream.active(self._clock.now())
        ]

    def _catalog(self, country: CountryCode) -> Catalog:
        offers = {
            service.code: Offer(
                service=service.code,
                name=service.name,
                cost=service.cost,
                count=min(service.count, CAP),
                multi_sms=service.multi,
            )
            for service in self.upstream.services(country)
        }
        return Catalog(country=country, offers=offers)


def _rented(answer: Activation | Refusal) -> Rented | Refused:
    if isinstance(answer, Refusal):
        return Refused(answer)
    return Rented(
        activation_id=answer.id,
        phone=answer.phone,
        cost=answer.price,
        asleep_until=answer.asleep_until,
    )
