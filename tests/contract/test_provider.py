"""What every provider must do: the one in the process, and the real adapter over real HTTP."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from datetime import timedelta
from typing import Final

import pytest
from attrs import evolve, frozen

from kiwisms.adapters.daisysms import DaisySMS, Dialect
from kiwisms.adapters.guarded_provider import GuardedProvider
from kiwisms.adapters.simulator.server import Simulator
from kiwisms.adapters.simulator.upstream import Upstream
from kiwisms.domain.catalog import Catalog, CountryCode, Offer, ServiceCode
from kiwisms.domain.ids import ActivationId
from kiwisms.domain.money import Money
from kiwisms.domain.sms import Code
from kiwisms.ports.provider import (
    Active,
    Ambiguous,
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
from kiwisms.testing.clock import ManualClock
from kiwisms.testing.provider import FakeProvider
from kiwisms.testing.provider_laws import broken_laws

USA = CountryCode("187")
NOBODY = ActivationId("1")
GOOGLE = NumberOrder(service=ServiceCode("go"), country=USA, max_cost=Money.parse("0.30"))


@frozen(kw_only=True)
class World:
    """A provider, and the account behind it."""

    provider: Provider
    upstream: Upstream
    clock: ManualClock

    def arrive(self, code: str, text: str | None = None) -> None:
        assert self.upstream.deliver(code, self.clock.now(), text=text) is not None

    @property
    def order(self) -> NumberOrder:
        return GOOGLE

    async def deliver(self, activation_id: ActivationId, code: Code) -> None:
        assert self.upstream.deliver(code, self.clock.now(), to=activation_id) is not None

    async def rent(self, order: NumberOrder = GOOGLE) -> Rented:
        rented = await self.provider.rent(order)
        assert isinstance(rented, Rented)
        return rented


OpenWorld = Callable[[Upstream], AbstractAsyncContextManager[World]]


@asynccontextmanager
async def in_process(upstream: Upstream) -> AsyncIterator[World]:
    clock = ManualClock()
    yield World(provider=FakeProvider(clock, upstream), upstream=upstream, clock=clock)


@asynccontextmanager
async def over_http(upstream: Upstream, *, price_in_json: bool = False) -> AsyncIterator[World]:
    clock = ManualClock()
    dialect = Dialect(
        price_in_json=price_in_json,
        asks_for_next=upstream.asks_for_next,
        lists_active=upstream.lists_active,
    )
    async with (
        Simulator(clock, upstream) as simulator,
        DaisySMS(simulator.url, simulator.key, dialect=dialect) as provider,
    ):
        yield World(provider=provider, upstream=upstream, clock=clock)


def over_json(upstream: Upstream) -> AbstractAsyncContextManager[World]:
    return over_http(upstream, price_in_json=True)


@asynccontextmanager
async def behind_a_guard(upstream: Upstream) -> AsyncIterator[World]:
    async with (
        over_http(upstream) as world,
        GuardedProvider(world.provider, world.clock) as provider,
    ):
        yield evolve(world, provider=provider)


@pytest.fixture
def upstream() -> Upstream:
    return Upstream()


OPEN: Final = (in_process, over_http, over_json, behind_a_guard)


@pytest.fixture(params=OPEN)
async def world(request: pytest.FixtureRequest, upstream: Upstream) -> AsyncIterator[World]:
    async with request.param(upstream) as opened:
        yield opened


@pytest.mark.parametrize("open_world", OPEN)
@pytest.mark.parametrize("asks", [False, True])
async def test_the_laws_of_every_provider_hold(open_world: OpenWorld, *, asks: bool) -> None:
    def stage() -> AbstractAsyncContextManager[World]:
        return open_world(Upstream(asks_for_next=asks, lists_active=asks))

    assert await broken_laws(stage) == []


async def test_a_number_is_rented_at_its_price(world: World) -> None:
    rented = await world.provider.rent(GOOGLE)
    (activation,) = world.upstream.activations.values()
    assert rented == Rented(
        activation_id=activation.id, phone=activation.phone, cost=Money.parse("0.30")
    )
    assert activation.phone.isdigit()
    assert await world.provider.balance() == Money.parse("99.70")


async def test_the_highest_cost_is_allowed_and_nothing_above(world: World) -> None:
    refused = await world.provider.rent(evolve(GOOGLE, max_cost=Money.parse("0.29")))
    assert refused == Refused(Refusal.PRICE_EXCEEDED)
    assert not world.upstream.activations
    assert isinstance(await world.provider.rent(GOOGLE), Rented)


async def test_a_cost_finer_than_a_cent_is_exact(world: World) -> None:
    order = evolve(GOOGLE, service=ServiceCode("wa"), max_cost=Money.parse("0.66"))
    assert (await world.rent(order)).cost == Money.parse("0.655")


@pytest.mark.parametrize(
    ("wishes", "cost"),
    [
        (evolve(GOOGLE, areas=("503", "202")), "0.36"),
        (evolve(GOOGLE, carrier="tmo"), "0.36"),
        (evolve(GOOGLE, areas=("503",), carrier="vz"), "0.432"),
    ],
)
async def test_each_wish_costs_a_fifth_more(world: World, wishes: NumberOrder, cost: str) -> None:
    assert await world.provider.rent(wishes) == Refused(Refusal.PRICE_EXCEEDED)
    rented = await world.rent(evolve(wishes, max_cost=Money.parse("0.44")))
    assert rented.cost == Money.parse(cost)
    assert not wishes.areas or rented.phone.startswith("1503")


async def test_a_service_without_stock_is_refused(world: World) -> None:
    order = evolve(GOOGLE, service=ServiceCode("ma"))
    assert await world.provider.rent(order) == Refused(Refusal.NO_NUMBERS)


async def test_an_unknown_service_is_refused(world: World) -> None:
    order = evolve(GOOGLE, service=ServiceCode("nope"))
    assert await world.provider.rent(order) == Refused(Refusal.BAD_SERVICE)


async def test_a_number_that_cannot_be_paid_is_refused(world: World) -> None:
    world.upstream.balance = Money.parse("0.299")
    assert await world.provider.rent(GOOGLE) == Refused(Refusal.NO_MONEY)


async def test_at_most_twenty_numbers_wait_at_once(world: World) -> None:
    for _ in range(20):
        await world.rent()
    assert await world.provider.rent(GOOGLE) == Refused(Refusal.TOO_MANY_WAITING)
    world.arrive("1234")
    await world.rent()


async def test_a_number_waits_until_a_message_comes(world: World) -> None:
    rented = await world.rent()
    assert await world.provider.look(rented.activation_id) == Waiting()
    world.arrive("004217", "G-004217 ist Ihr Bestätigungscode: „👋“")
    assert await world.provider.look(rented.activation_id) == Received(
        code=Code("004217"), text="G-004217 ist Ihr Bestätigungscode: „👋“"
    )


async def test_the_latest_message_is_shown(world: World) -> None:
    rented = await world.rent()
    world.arrive("1", "first")
    world.arrive("a:b", "second")
    assert await world.provider.look(rented.activation_id) == Received(
        code=Code("a:b"), text="second"
    )


async def test_a_number_that_ran_out_is_cancelled_and_paid_back(world: World) -> None:
    rented = await world.rent()
    world.clock.advance(1200)
    assert await world.provider.look(rented.activation_id) == Cancelled()
    assert await world.provider.balance() == Money.parse(100)


async def test_a_number_that_nobody_rented_is_gone(world: World) -> None:
    assert await world.provider.look(NOBODY) == Gone()
    assert await world.provider.finish(NOBODY) == Gone()
    assert await world.provider.cancel(NOBODY) == Gone()
    await world.provider.ask_next(NOBODY)


async def test_a_finished_number_stays_paid_and_frees_its_place(world: World) -> None:
    rented = await world.rent()
    assert await world.provider.finish(rented.activation_id) == Finished()
    assert await world.provider.finish(rented.activation_id) == Finished()
    assert await world.provider.look(rented.activation_id) == Gone()
    assert await world.provider.balance() == Money.parse("99.70")
    assert world.upstream.waiting(world.clock.now()) == 0


async def test_a_cancelled_number_is_paid_back_once(world: World) -> None:
    rented = await world.rent()
    assert await world.provider.cancel(rented.activation_id) == Cancelled()
    assert await world.provider.cancel(rented.activation_id) == Cancelled()
    assert await world.provider.look(rented.activation_id) == Cancelled()
    assert await world.provider.balance() == Money.parse(100)


async def test_a_cancel_after_a_code_is_ambiguous_and_the_code_is_kept(world: World) -> None:
    rented = await world.rent()
    world.arrive("1234")
    assert await world.provider.cancel(rented.activation_id) == Ambiguous()
    assert isinstance(await world.provider.look(rented.activation_id), Received)
    assert await world.provider.balance() == Money.parse("99.70")


async def test_a_number_may_be_too_young_to_be_cancelled(world: World) -> None:
    world.upstream.cancel_after = timedelta(minutes=2)
    rented = await world.rent()
    assert await world.provider.cancel(rented.activation_id) == TooEarly()
    world.clock.advance(120)
    assert await world.provider.cancel(rented.activation_id) == Cancelled()


async def test_the_same_number_is_had_again(world: World) -> None:
    rented = await world.rent()
    world.arrive("1111")
    again = await world.provider.renew(rented.activation_id)
    assert isinstance(again, Rented)
    assert (again.phone, again.cost) == (rented.phone, Money.parse("0.30"))
    assert again.activation_id != rented.activation_id
    assert again.asleep_until is None
    assert await world.provider.look(again.activation_id) == Waiting()


async def test_a_number_that_sleeps_says_until_when(world: World) -> None:
    world.upstream.sleep = timedelta(minutes=3)
    rented = await world.rent()
    world.arrive("1111")
    again = await world.provider.renew(rented.activation_id)
    assert isinstance(again, Rented)
    assert again.asleep_until == world.clock.now() + timedelta(minutes=3)
    assert await world.provider.look(again.activation_id) == Waiting()


async def test_a_number_without_a_message_is_not_had_again(world: World) -> None:
    rented = await world.rent()
    not_renewable = Refused(Refusal.NOT_RENEWABLE)
    assert await world.provider.renew(rented.activation_id) == not_renewable
    assert await world.provider.renew(NOBODY) == not_renewable


async def test_the_catalog_has_price_name_and_capped_stock(world: World) -> None:
    catalog = await world.provider.catalog(USA)
    assert isinstance(catalog, Catalog)
    assert catalog.country == USA
    assert len(catalog.offers) == len(world.upstream.services(USA))
    assert catalog.offers[ServiceCode("am")] == Offer(
        service=ServiceCode("am"),
        name="Amazon",
        cost=Money.parse("0.15"),
        count=100,
        multi_sms=True,
    )
    assert catalog.offers[ServiceCode("tu")].count == 55
    assert catalog.offers[ServiceCode("ma")].count == 0


async def test_each_country_has_its_own_catalog(world: World) -> None:
    dutch = await world.provider.catalog(CountryCode("48"))
    assert isinstance(dutch, Catalog)
    assert set(dutch.offers) == {"go", "wa"}
    nowhere = await world.provider.catalog(CountryCode("999"))
    assert isinstance(nowhere, Catalog)
    assert not nowhere.offers


@pytest.mark.parametrize("open_world", [in_process, over_http, behind_a_guard])
async def test_a_further_message_is_asked_for_where_it_must_be(
    open_world: OpenWorld,
) -> None:
    async with open_world(Upstream(asks_for_next=True)) as world:
        assert world.provider.asks_for_next
        rented = await world.rent()
        world.arrive("1", "first")
        world.arrive("2", "second")
        first, second, third = (
            Received(code=Code(code), text=text)
            for code, text in [("1", "first"), ("2", "second"), ("3", "third")]
        )
        assert await world.provider.look(rented.activation_id) == first
        await world.provider.ask_next(rented.activation_id)
        assert await world.provider.look(rented.activation_id) == second
        await world.provider.ask_next(rented.activation_id)
        await world.provider.ask_next(rented.activation_id)
        assert await world.provider.look(rented.activation_id) == Waiting()
        world.arrive("3", "third")
        assert await world.provider.look(rented.activation_id) == third


async def test_messages_need_not_be_asked_for_elsewhere(world: World) -> None:
    assert not world.provider.asks_for_next


async def listed(world: World) -> list[Active]:
    active = await world.provider.active()
    assert not isinstance(active, NoAnswer)
    return list(active)


async def test_without_a_list_the_rented_numbers_are_unknown(world: World) -> None:
    await world.rent()
    assert isinstance(await world.provider.active(), Unknown)


@pytest.mark.parametrize("open_world", [in_process, over_http])
async def test_a_list_has_the_rented_numbers(
    open_world: OpenWorld,
) -> None:
    async with open_world(Upstream(lists_active=True)) as world:
        assert await listed(world) == []
        first, second = await world.rent(), await world.rent()
        world.arrive("1")
        await world.provider.cancel(first.activation_id)
        assert await listed(world) == [
            Active(
                activation_id=second.activation_id,
                service=GOOGLE.service,
                phone=second.phone,
                rented_at=world.clock.now(),
            )
        ]
        world.clock.advance(world.upstream.session.total_seconds())
        assert await listed(world) == []
