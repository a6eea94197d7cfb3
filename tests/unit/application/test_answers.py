"""A provider of one's own may have a fault; no money stays held because of it."""

from collections.abc import Callable

import pytest

from kiwisms.application.errors import ProviderFailed
from kiwisms.domain.account import Account
from kiwisms.domain.ids import ActivationId
from kiwisms.domain.incident import IncidentKind
from kiwisms.domain.rental_state import State
from kiwisms.ports.provider import Look, NumberOrder, Refused, Rented, Unknown
from kiwisms.testing.clock import ManualClock
from kiwisms.testing.kit import Kit
from kiwisms.testing.provider import FakeProvider


def raises() -> None:
    raise RuntimeError("a fault of the provider")


def returns_nothing() -> None:
    """Return nothing, as a method does that forgets to."""


FAULTS = (raises, returns_nothing)
Faulty = Callable[[], None]


class FaultyProvider(FakeProvider):
    """A provider with a fault in one of its methods."""

    in_rent: Faulty | None = None
    in_look: Faulty | None = None

    async def rent(self, order: NumberOrder) -> Rented | Refused | Unknown:
        if self.in_rent is None:
            return await super().rent(order)
        return self.in_rent()  # type: ignore[return-value]

    async def look(self, activation_id: ActivationId) -> Look:
        if self.in_look is None:
            return await super().look(activation_id)
        return self.in_look()  # type: ignore[return-value]


@pytest.fixture
def kit() -> Kit:
    clock = ManualClock()
    return Kit(clock=clock, provider=FaultyProvider(clock))


def provider(kit: Kit) -> FaultyProvider:
    assert isinstance(kit.provider, FaultyProvider)
    return kit.provider


@pytest.mark.parametrize("fault", FAULTS)
async def test_a_rent_gives_the_money_back_and_is_an_incident(
    kit: Kit, ada: Account, fault: Faulty
) -> None:
    provider(kit).in_rent = fault
    with pytest.raises(ProviderFailed):
        await kit.kiwi.rentals.rent(ada.id, service="go")
    assert str((await kit.kiwi.wallet.balance(ada.id)).available) == "10.00"
    [incident] = await kit.kiwi.incidents.all()
    assert incident.kind is IncidentKind.ANSWER_LOST


@pytest.mark.parametrize("fault", FAULTS)
async def test_a_look_changes_nothing_and_the_silence_is_reported(
    kit: Kit, ada: Account, fault: Faulty
) -> None:
    rental = await kit.kiwi.rentals.rent(ada.id, service="go")
    provider(kit).in_look = fault
    kit.clock.advance((kit.terms.pace.session + kit.terms.pace.silent_after).total_seconds())
    assert (await kit.kiwi.rentals.get(ada.id, rental.id)).state is State.WAITING
    kit.clock.advance(60)
    await kit.work()
    [incident] = await kit.kiwi.incidents.all()
    assert incident.kind is IncidentKind.PROVIDER_SILENT
    ended = await kit.kiwi.rentals.give_up(rental.id, reason="the provider has a fault")
    assert ended.state is State.EXPIRED
