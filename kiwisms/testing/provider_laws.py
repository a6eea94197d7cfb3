"""Laws that every provider must keep; `broken_laws` tests a provider of your own."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager
from traceback import extract_tb
from typing import Final, Protocol

from attrs import evolve

from kiwisms.domain.catalog import Catalog, CountryCode, ServiceCode
from kiwisms.domain.ids import ActivationId
from kiwisms.domain.money import Money, cents
from kiwisms.domain.sms import Code
from kiwisms.ports.provider import (
    Cancelled,
    Finished,
    Gone,
    NoAnswer,
    NumberOrder,
    Provider,
    Received,
    Refusal,
    Refused,
    Rented,
    TooEarly,
    Unknown,
    Waiting,
)

UNKNOWN_NUMBER: Final = ActivationId("0")
UNKNOWN_SERVICE: Final = ServiceCode("no-such-service")
UNKNOWN_COUNTRY: Final = CountryCode("999")


class Stage(Protocol):
    """A provider under test, and the upstream behind it, where nothing is rented yet."""

    @property
    def provider(self) -> Provider:
        """The provider under test."""
        ...

    @property
    def order(self) -> NumberOrder:
        """An order that succeeds twice, and costs more than one cent."""
        ...

    async def deliver(self, activation_id: ActivationId, code: Code) -> None:
        """Deliver a message with this code to a rented number."""
        ...


Law = Callable[[Stage], AsyncIterator[str]]
"""Tests a provider, and yields a sentence for each thing that does not hold."""


async def a_number_is_rented_within_its_limit(stage: Stage) -> AsyncIterator[str]:
    """A number has digits alone, and costs no more than the limit of its order."""
    rented = await _rent(stage)
    if not (rented.phone.isascii() and rented.phone.isdigit()):
        yield f"the number {rented.phone!r} is not made of digits alone"
    if rented.cost is not None and rented.cost > stage.order.max_cost:
        yield f"a number cost {rented.cost}, and its order allowed {stage.order.max_cost}"


async def two_rents_are_two_numbers(stage: Stage) -> AsyncIterator[str]:
    """Two rents give two activations and two numbers."""
    first, second = await _rent(stage), await _rent(stage)
    if first.activation_id == second.activation_id or first.phone == second.phone:
        yield f"{first} and {second} were rented at the same time"


async def nothing_is_rented_above_the_limit(stage: Stage) -> AsyncIterator[str]:
    """An order whose limit is below the price is refused with ``PRICE_EXCEEDED``."""
    answer = await stage.provider.rent(evolve(stage.order, max_cost=cents(1)))
    if answer != Refused(Refusal.PRICE_EXCEEDED):
        yield f"an order for one cent at most was answered {answer}"


async def an_unknown_service_is_refused(stage: Stage) -> AsyncIterator[str]:
    """An order for a service that is not on offer is refused."""
    answer = await stage.provider.rent(evolve(stage.order, service=UNKNOWN_SERVICE))
    if answer not in {Refused(Refusal.BAD_SERVICE), Refused(Refusal.NO_NUMBERS)}:
        yield f"an order for an unknown service was answered {answer}"


async def a_code_is_shown_as_it_came(stage: Stage) -> AsyncIterator[str]:
    """A number waits, then shows its code with leading zeros; a look changes nothing."""
    rented = await _rent(stage)
    for _ in range(2):
        before = await stage.provider.look(rented.activation_id)
        if before != Waiting():
            yield f"a look before any message showed {before}"
    await stage.deliver(rented.activation_id, Code("004217"))
    for _ in range(2):
        seen = await stage.provider.look(rented.activation_id)
        if not (isinstance(seen, Received) and seen.code == "004217"):
            yield f"a look after the code 004217 showed {seen}"


async def a_further_code_is_shown(stage: Stage) -> AsyncIterator[str]:
    """A second message replaces the first, after `ask_next` where that is needed."""
    rented = await _rent(stage)
    await stage.deliver(rented.activation_id, Code("1111"))
    await stage.provider.look(rented.activation_id)
    if stage.provider.asks_for_next:
        await stage.provider.ask_next(rented.activation_id)
    await stage.deliver(rented.activation_id, Code("2222"))
    seen = await stage.provider.look(rented.activation_id)
    if not (isinstance(seen, Received) and seen.code == "2222"):
        yield f"a look after the codes 1111 and 2222 showed {seen}"


async def a_cancel_is_safe_to_repeat(stage: Stage) -> AsyncIterator[str]:
    """A cancelled number is gone; a number that is too young to cancel is kept."""
    rented = await _rent(stage)
    first = await stage.provider.cancel(rented.activation_id)
    if first == TooEarly():
        return
    if first != Cancelled():
        yield f"a cancel was answered {first}"
    for ask in (stage.provider.cancel, stage.provider.look):
        again = await ask(rented.activation_id)
        if again not in {Cancelled(), Gone()}:
            yield f"a {ask.__name__} after a cancel was answered {again}"


async def a_code_wins_over_a_cancel(stage: Stage) -> AsyncIterator[str]:
    """A number with a code is not cancelled, and still shows the code."""
    rented = await _rent(stage)
    await stage.deliver(rented.activation_id, Code("1111"))
    answer = await stage.provider.cancel(rented.activation_id)
    if answer == Cancelled():
        yield "a number that had a code was cancelled"
    seen = await stage.provider.look(rented.activation_id)
    if not isinstance(seen, Received):
        yield f"a look after a code and a cancel showed {seen}"


async def a_release_is_safe_to_repeat(stage: Stage) -> AsyncIterator[str]:
    """A second release of a number changes nothing."""
    rented = await _rent(stage)
    await stage.deliver(rented.activation_id, Code("1111"))
    first, second = [await stage.provider.finish(rented.activation_id) for _ in range(2)]
    if first != Finished() or second not in {Finished(), Gone()}:
        yield f"two releases were answered {first} and {second}"


async def a_renewal_keeps_the_number_or_is_refused(stage: Stage) -> AsyncIterator[str]:
    """A renewal is a new activation of the same number, or is refused."""
    rented = await _rent(stage)
    await stage.deliver(rented.activation_id, Code("1111"))
    again = await stage.provider.renew(rented.activation_id)
    if isinstance(again, Rented):
        if again.phone != rented.phone or again.activation_id == rented.activation_id:
            yield f"{rented} was renewed as {again}"
    elif again != Refused(Refusal.NOT_RENEWABLE):
        yield f"a renewal was answered {again}"


async def a_number_that_nobody_rented_is_gone(stage: Stage) -> AsyncIterator[str]:
    """A question about an unknown number is answered, and raises no error."""
    for ask in (stage.provider.look, stage.provider.finish, stage.provider.cancel):
        answer = await ask(UNKNOWN_NUMBER)
        if answer != Gone():
            yield f"a {ask.__name__} of a number that nobody rented was answered {answer}"
    await stage.provider.ask_next(UNKNOWN_NUMBER)
    again = await stage.provider.renew(UNKNOWN_NUMBER)
    if again != Refused(Refusal.NOT_RENEWABLE):
        yield f"a renewal of a number that nobody rented was answered {again}"


async def the_catalog_has_what_can_be_rented(stage: Stage) -> AsyncIterator[str]:
    """The order is on offer and in stock, at no more than its limit."""
    order = stage.order
    catalog = await stage.provider.catalog(order.country)
    offer = catalog.offers.get(order.service) if isinstance(catalog, Catalog) else None
    if offer is None or offer.count < 1 or not cents(1) < offer.cost <= order.max_cost:
        yield f"{order} can be rented, and its offer is {offer}"
    if isinstance(catalog, Catalog) and catalog.country != order.country:
        yield f"the catalog of country {order.country} is that of {catalog.country}"
    nowhere = await stage.provider.catalog(UNKNOWN_COUNTRY)
    if isinstance(nowhere, Catalog) and nowhere.country != UNKNOWN_COUNTRY:
        yield f"the catalog of country {UNKNOWN_COUNTRY} is that of {nowhere.country}"


async def the_account_can_be_read(stage: Stage) -> AsyncIterator[str]:
    """The balance is money; the list of numbers, if there is one, has exactly those rented."""
    balance: object = await stage.provider.balance()
    if not isinstance(balance, Money | Refused | Unknown):
        yield f"the balance is {balance!r}"
    rented = await _rent(stage)
    listed = await stage.provider.active()
    if not isinstance(listed, NoAnswer) and [one.activation_id for one in listed] != [
        rented.activation_id
    ]:
        yield f"{rented} is rented, and the list is {listed}"


LAWS: Final[tuple[Law, ...]] = (
    a_number_is_rented_within_its_limit,
    two_rents_are_two_numbers,
    nothing_is_rented_above_the_limit,
    an_unknown_service_is_refused,
    a_code_is_shown_as_it_came,
    a_further_code_is_shown,
    a_cancel_is_safe_to_repeat,
    a_code_wins_over_a_cancel,
    a_release_is_safe_to_repeat,
    a_renewal_keeps_the_number_or_is_refused,
    a_number_that_nobody_rented_is_gone,
    the_catalog_has_what_can_be_rented,
    the_account_can_be_read,
)


async def broken_laws(
    open_stage: Callable[[], AbstractAsyncContextManager[Stage]],
) -> list[str]:
    """
    Test a provider against each of the `LAWS`.

    Args:
        open_stage: Opens a new stage; each law gets its own.

    Returns:
        A sentence for each thing that does not hold; an empty list when every law holds. An error
        counts as broken too, and its sentence has the place: a provider must answer, not raise.
    """
    broken = []
    for law in LAWS:
        try:
            async with open_stage() as stage:
                broken += [what async for what in law(stage)]
        except Exception as error:  # noqa: BLE001 - any error is a finding
            at = extract_tb(error.__traceback__)[-1]
            broken.append(f"{law.__name__}: raised {error!r} at {at.filename}:{at.lineno}")
    return broken


async def _rent(stage: Stage) -> Rented:
    answer = await stage.provider.rent(stage.order)
    if not isinstance(answer, Rented):
        raise TypeError(f"an order that must succeed was answered {answer}")
    return answer
