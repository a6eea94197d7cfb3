"""What every provider must do, for whoever writes one; `broken_laws` says what does not hold."""

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

NOBODYS: Final = ActivationId("0")
NO_SERVICE: Final = ServiceCode("no-such-service")
NO_COUNTRY: Final = CountryCode("999")


class Stage(Protocol):
    """A provider, and the upstream behind it, in which nothing is rented yet."""

    @property
    def provider(self) -> Provider:
        """What is put to the test."""
        ...

    @property
    def order(self) -> NumberOrder:
        """What can be had twice, and costs more than one cent."""
        ...

    async def deliver(self, activation_id: ActivationId, code: Code) -> None:
        """Let a message with this code arrive on a number that is rented."""
        ...


Law = Callable[[Stage], AsyncIterator[str]]
"""Tries a provider, and says in a sentence each what does not hold."""


async def a_number_is_rented_within_its_limit(stage: Stage) -> AsyncIterator[str]:
    """A number has digits alone, and costs no more than was allowed."""
    rented = await _rent(stage)
    if not (rented.phone.isascii() and rented.phone.isdigit()):
        yield f"the number {rented.phone!r} is not of digits with the country's code"
    if rented.cost is not None and rented.cost > stage.order.max_cost:
        yield f"a number cost {rented.cost}, and was to cost {stage.order.max_cost} at most"


async def two_numbers_are_two(stage: Stage) -> AsyncIterator[str]:
    """Each rent has an activation and a number of its own."""
    first, second = await _rent(stage), await _rent(stage)
    if first.activation_id == second.activation_id or first.phone == second.phone:
        yield f"{first} and {second} were rented at the same time"


async def nothing_is_rented_above_the_limit(stage: Stage) -> AsyncIterator[str]:
    """A number that costs more is refused for that."""
    answer = await stage.provider.rent(evolve(stage.order, max_cost=cents(1)))
    if answer != Refused(Refusal.PRICE_EXCEEDED):
        yield f"an order for one cent at most was answered {answer}"


async def an_unknown_service_is_refused(stage: Stage) -> AsyncIterator[str]:
    """What is not on offer is refused."""
    answer = await stage.provider.rent(evolve(stage.order, service=NO_SERVICE))
    if answer not in {Refused(Refusal.BAD_SERVICE), Refused(Refusal.NO_NUMBERS)}:
        yield f"an order for an unknown service was answered {answer}"


async def a_code_is_shown_as_it_came(stage: Stage) -> AsyncIterator[str]:
    """A number waits, then shows its code, with zeros in front; to look changes nothing."""
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
    """A second message takes the place of the first, after it was asked for where it must be."""
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
    """A number that is given back is gone, or is kept where it is too young for that."""
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
    """A number that has a code is not given back, and goes on showing it."""
    rented = await _rent(stage)
    await stage.deliver(rented.activation_id, Code("1111"))
    answer = await stage.provider.cancel(rented.activation_id)
    if answer == Cancelled():
        yield "a number that had a code was cancelled"
    seen = await stage.provider.look(rented.activation_id)
    if not isinstance(seen, Received):
        yield f"a look after a code and a cancel showed {seen}"


async def a_release_is_safe_to_repeat(stage: Stage) -> AsyncIterator[str]:
    """A number is released once, and a second time nothing happens."""
    rented = await _rent(stage)
    await stage.deliver(rented.activation_id, Code("1111"))
    first, second = [await stage.provider.finish(rented.activation_id) for _ in range(2)]
    if first != Finished() or second not in {Finished(), Gone()}:
        yield f"two releases were answered {first} and {second}"


async def a_number_is_had_again_or_refused(stage: Stage) -> AsyncIterator[str]:
    """A renewal is a new activation of the same number."""
    rented = await _rent(stage)
    await stage.deliver(rented.activation_id, Code("1111"))
    again = await stage.provider.renew(rented.activation_id)
    if isinstance(again, Rented):
        if again.phone != rented.phone or again.activation_id == rented.activation_id:
            yield f"{rented} was had again as {again}"
    elif again != Refused(Refusal.NOT_RENEWABLE):
        yield f"a renewal was answered {again}"


async def a_number_that_nobody_rented_is_gone(stage: Stage) -> AsyncIterator[str]:
    """What is unknown upstream is an answer, and no error."""
    for ask in (stage.provider.look, stage.provider.finish, stage.provider.cancel):
        answer = await ask(NOBODYS)
        if answer != Gone():
            yield f"a {ask.__name__} of a number that nobody rented was answered {answer}"
    await stage.provider.ask_next(NOBODYS)
    again = await stage.provider.renew(NOBODYS)
    if again != Refused(Refusal.NOT_RENEWABLE):
        yield f"a renewal of a number that nobody rented was answered {again}"


async def the_catalog_has_what_can_be_rented(stage: Stage) -> AsyncIterator[str]:
    """What can be ordered is on offer, in stock, at no more than the limit."""
    order = stage.order
    catalog = await stage.provider.catalog(order.country)
    offer = catalog.offers.get(order.service) if isinstance(catalog, Catalog) else None
    if offer is None or offer.count < 1 or not cents(1) < offer.cost <= order.max_cost:
        yield f"{order} can be had, and its offer is {offer}"
    if isinstance(catalog, Catalog) and catalog.country != order.country:
        yield f"the catalog of country {order.country} is one of {catalog.country}"
    nowhere = await stage.provider.catalog(NO_COUNTRY)
    if isinstance(nowhere, Catalog) and nowhere.country != NO_COUNTRY:
        yield f"the catalog of country {NO_COUNTRY} is one of {nowhere.country}"


async def the_account_can_be_read(stage: Stage) -> AsyncIterator[str]:
    """The balance is money; a list, where there is one, has what is rented and nothing else."""
    balance: object = await stage.provider.balance()
    if not isinstance(balance, Money | Refused | Unknown):
        yield f"the balance is {balance!r}"
    rented = await _rent(stage)
    listed = await stage.provider.active()
    if not isinstance(listed, NoAnswer) and [one.activation_id for one in listed] != [
        rented.activation_id
    ]:
        yield f"{rented} is rented out, and the list is {listed}"


LAWS: Final[tuple[Law, ...]] = (
    a_number_is_rented_within_its_limit,
    two_numbers_are_two,
    nothing_is_rented_above_the_limit,
    an_unknown_service_is_refused,
    a_code_is_shown_as_it_came,
    a_further_code_is_shown,
    a_cancel_is_safe_to_repeat,
    a_code_wins_over_a_cancel,
    a_release_is_safe_to_repeat,
    a_number_is_had_again_or_refused,
    a_number_that_nobody_rented_is_gone,
    the_catalog_has_what_can_be_rented,
    the_account_can_be_read,
)


async def broken_laws(
    open_stage: Callable[[], AbstractAsyncContextManager[Stage]],
) -> list[str]:
    """
    Try a provider with each of the `LAWS`.

    Args:
        open_stage: Opens a new stage; each law has one of its own.

    Returns:
        A sentence for all that does not hold; nothing when every law does. What is raised is
        such a sentence too, with its place: a provider must answer.
    """
    broken = []
    for law in LAWS:
        try:
            async with open_stage() as stage:
                broken += [what async for what in law(stage)]
        except Exception as error:  # noqa: BLE001 - whatever it is, it is a finding
            at = extract_tb(error.__traceback__)[-1]
            broken.append(f"{law.__name__}: raised {error!r} at {at.filename}:{at.lineno}")
    return broken


async def _rent(stage: Stage) -> Rented:
    answer = await stage.provider.rent(stage.order)
    if not isinstance(answer, Rented):
        raise TypeError(f"what can be had was answered {answer}")
    return answer
