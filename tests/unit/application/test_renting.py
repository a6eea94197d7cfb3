"""The three steps of a rent, and what is left when each of them goes wrong."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from attrs import evolve

from kiwisms.adapters.memory import MemoryStore
from kiwisms.adapters.memory.transaction import MemoryTransaction
from kiwisms.application.errors import ProviderFailed
from kiwisms.domain.account import Account, AccountSuspended
from kiwisms.domain.catalog import CountryCode, ServiceCode, ServiceUnavailable
from kiwisms.domain.errors import KiwismsError, RateLimited, ValidationRefused
from kiwisms.domain.idempotency import IdempotencyConflict, IdempotencyKeyReused
from kiwisms.domain.ids import AccountId, ActivationId
from kiwisms.domain.incident import IncidentKind
from kiwisms.domain.money import Money
from kiwisms.domain.order import Order
from kiwisms.domain.rental import RenewNotFound, Rental
from kiwisms.domain.rental_state import State
from kiwisms.domain.terms import Terms
from kiwisms.domain.usage import TooManyActiveRentals
from kiwisms.domain.wallet import InsufficientBalance
from kiwisms.ports.provider import (
    Ambiguous,
    Cancelled,
    Gone,
    Phone,
    Refusal,
    Refused,
    Rented,
    TooEarly,
    Unknown,
)
from kiwisms.ports.store import StoreUnavailable
from kiwisms.ports.transaction import NO_PREFETCH, Prefetch, TransactionConflict
from kiwisms.testing.kit import Kit
from tests.held_call import HeldCall


class FailingStore(MemoryStore):
    """A store whose next commits fail when it is told so, or are done and not answered."""

    def __init__(self) -> None:
        super().__init__()
        self._failures: list[type[KiwismsError]] = []
        self._answers_lost = 0

    def fail(self, error: type[KiwismsError], *, times: int) -> None:
        self._failures += [error] * times

    def lose_answer(self) -> None:
        self._answers_lost += 1

    @asynccontextmanager
    async def transaction(
        self, account_id: AccountId, prefetch: Prefetch = NO_PREFETCH
    ) -> AsyncIterator[MemoryTransaction]:
        async with super().transaction(account_id, prefetch) as tx:
            yield tx
            if self._failures:
                raise self._failures.pop()
        if self._answers_lost:
            self._answers_lost -= 1
            raise StoreUnavailable("the answer is lost")


async def books_are_balanced(kit: Kit) -> bool:
    return (await kit.kiwi.wallet.audit()).balanced


async def available(kit: Kit, account: Account) -> str:
    return str((await kit.kiwi.wallet.balance(account.id)).available)


async def held(kit: Kit, account: Account) -> str:
    return str((await kit.kiwi.wallet.balance(account.id)).held)


async def all_states(kit: Kit) -> list[State]:
    return [rental.state for rental in await kit.kiwi.rentals.all()]


async def test_a_rent_holds_the_price(kit: Kit, ada: Account) -> None:
    rental = await kit.kiwi.rentals.rent(ada.id, service="go")
    assert (rental.state, str(rental.price), rental.cost) == (
        State.WAITING,
        "0.39",
        Money.parse("0.30"),
    )
    assert (await available(kit, ada), await held(kit, ada)) == ("9.61", "0.39")
    assert await books_are_balanced(kit)


async def test_a_lower_price_upstream_is_passed_on(kit: Kit, ada: Account) -> None:
    cheaper = Rented(
        activation_id=ActivationId("7"), phone=Phone("15035550100"), cost=Money.parse("0.10")
    )
    kit.provider.on_rent.next(cheaper)
    rental = await kit.kiwi.rentals.rent(ada.id, service="go")
    assert str(rental.price) == "0.13"
    assert (await available(kit, ada), await held(kit, ada)) == ("9.87", "0.13")
    assert await books_are_balanced(kit)


async def test_a_higher_price_upstream_is_not_passed_on(kit: Kit, ada: Account) -> None:
    dearer = Rented(
        activation_id=ActivationId("7"), phone=Phone("15035550100"), cost=Money.parse("5.00")
    )
    kit.provider.on_rent.next(dearer)
    rental = await kit.kiwi.rentals.rent(ada.id, service="go")
    assert str(rental.price) == "0.39"
    assert await books_are_balanced(kit)


@pytest.mark.parametrize(
    ("reason", "error"),
    [
        (Refusal.NO_NUMBERS, ServiceUnavailable),
        (Refusal.PRICE_EXCEEDED, ServiceUnavailable),
        (Refusal.TOO_MANY_WAITING, ServiceUnavailable),
        (Refusal.BAD_SERVICE, ServiceUnavailable),
        (Refusal.NO_MONEY, ProviderFailed),
        (Refusal.BAD_KEY, ProviderFailed),
        (Refusal.REJECTED, ProviderFailed),
        (Refusal.UNREACHABLE, ProviderFailed),
    ],
)
async def test_a_refusal_gives_money_and_key_back(
    kit: Kit, ada: Account, reason: Refusal, error: type[Exception]
) -> None:
    kit.provider.on_rent.next(Refused(reason))
    with pytest.raises(error):
        await kit.kiwi.rentals.rent(ada.id, service="go", idempotency_key="k")
    assert (await available(kit, ada), await held(kit, ada)) == ("10.00", "0.00")
    assert not await kit.store.incidents(limit=10)
    again = await kit.kiwi.rentals.rent(ada.id, service="go", idempotency_key="k")
    assert again.state is State.WAITING
    assert await books_are_balanced(kit)


async def test_a_lost_answer_gives_the_money_back_and_is_never_asked_again(
    kit: Kit, ada: Account
) -> None:
    kit.provider.on_rent.next(Unknown("timed out"), acts=True)
    with pytest.raises(ProviderFailed):
        await kit.kiwi.rentals.rent(ada.id, service="go", idempotency_key="k")
    assert await available(kit, ada) == "10.00"
    [incident] = await kit.store.incidents(limit=10)
    assert (incident.kind, incident.detail, str(incident.price)) == (
        IncidentKind.ANSWER_LOST,
        "timed out",
        "0.39",
    )
    kit.clock.advance(3600)
    await kit.work()
    assert kit.provider.on_rent.calls == 1
    assert await all_states(kit) == [State.FAILED]
    await kit.kiwi.rentals.rent(ada.id, service="go", idempotency_key="k")
    assert await books_are_balanced(kit)


async def test_a_request_that_nobody_finished_is_given_up(kit: Kit, ada: Account) -> None:
    call = HeldCall()
    kit.provider.on_rent.next(meanwhile=call)
    renting = asyncio.create_task(kit.kiwi.rentals.rent(ada.id, service="go", idempotency_key="k"))
    await call.begun.wait()  # and nobody goes on, as when the process dies
    assert (await available(kit, ada), await held(kit, ada)) == ("9.61", "0.39")
    with pytest.raises(IdempotencyConflict):
        await kit.kiwi.rentals.rent(ada.id, service="go", idempotency_key="k")
    kit.clock.advance(kit.terms.pace.request_timeout.total_seconds())
    await kit.work()
    assert (await available(kit, ada), await held(kit, ada)) == ("10.00", "0.00")
    [incident] = await kit.store.incidents(limit=10)
    assert incident.kind is IncidentKind.NOBODY_CAME_BACK
    assert incident.before is None
    assert incident.after is not None
    assert await books_are_balanced(kit)
    await kit.kiwi.rentals.rent(ada.id, service="go", idempotency_key="k")
    assert not renting.done()


async def test_a_caller_that_leaves_loses_nothing(kit: Kit, ada: Account) -> None:
    call = HeldCall()
    kit.provider.on_rent.next(meanwhile=call)
    renting = asyncio.create_task(kit.kiwi.rentals.rent(ada.id, service="go", idempotency_key="k"))
    await call.begun.wait()
    renting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await renting
    call.may_end.set()
    await asyncio.wait(asyncio.all_tasks() - {asyncio.current_task()})
    assert await all_states(kit) == [State.WAITING]
    assert await kit.store.incidents(limit=10) == []
    again = await kit.kiwi.rentals.rent(ada.id, service="go", idempotency_key="k")
    assert [each.phone for each in kit.provider.upstream.activations.values()] == [again.phone]
    assert await books_are_balanced(kit)


async def test_a_number_that_comes_after_it_was_given_up_is_handed_back(
    kit: Kit, ada: Account
) -> None:
    async def too_long() -> None:
        kit.clock.advance(kit.terms.pace.request_timeout.total_seconds())
        await kit.work()

    kit.provider.on_rent.next(meanwhile=too_long)
    with pytest.raises(ProviderFailed):
        await kit.kiwi.rentals.rent(ada.id, service="go")
    incidents = {each.kind: each for each in await kit.store.incidents(limit=10)}
    assert set(incidents) == {IncidentKind.NOBODY_CAME_BACK, IncidentKind.ANSWER_TOO_LATE}
    late = incidents[IncidentKind.ANSWER_TOO_LATE]
    assert [late.activation_id] == list(kit.provider.upstream.activations)
    assert "may still be rented" not in late.detail
    upstream = kit.provider.upstream
    assert upstream.refunded == upstream.charged
    assert await available(kit, ada) == "10.00"
    assert await books_are_balanced(kit)


@pytest.mark.parametrize("error", [StoreUnavailable, TransactionConflict])
async def test_a_number_that_cannot_be_saved_is_handed_back(error: type[KiwismsError]) -> None:
    kit = Kit(store=(store := FailingStore()))
    ada = await kit.customer("10.00")

    async def the_store_fails() -> None:
        store.fail(error, times=20 if error is TransactionConflict else 2)

    kit.provider.on_rent.next(meanwhile=the_store_fails)
    with pytest.raises(error):
        await kit.kiwi.rentals.rent(ada.id, service="go", idempotency_key="k")
    upstream = kit.provider.upstream
    assert upstream.refunded == upstream.charged
    assert await available(kit, ada) == "10.00"
    assert not await kit.store.incidents(limit=10)
    assert await kit.kiwi.rentals.rent(ada.id, service="go", idempotency_key="k")
    assert await books_are_balanced(kit)


async def test_a_number_that_was_saved_although_nobody_said_so_is_the_customers() -> None:
    kit = Kit(store=(store := FailingStore()))
    ada = await kit.customer("10.00")

    async def the_answer_is_lost() -> None:
        store.lose_answer()

    kit.provider.on_rent.next(meanwhile=the_answer_is_lost)
    rental = await kit.kiwi.rentals.rent(ada.id, service="go", idempotency_key="k")
    assert rental == (await kit.kiwi.rentals.rent(ada.id, service="go", idempotency_key="k"))
    assert (rental.state, kit.provider.on_cancel.calls) == (State.WAITING, 0)
    assert (await available(kit, ada), await held(kit, ada)) == ("9.61", "0.39")
    assert await books_are_balanced(kit)


async def test_a_number_is_saved_once_the_store_takes_it_again() -> None:
    kit = Kit(store=(store := FailingStore()))
    ada = await kit.customer("10.00")

    async def the_store_fails() -> None:
        store.fail(StoreUnavailable, times=1)

    kit.provider.on_rent.next(meanwhile=the_store_fails)
    rental = await kit.kiwi.rentals.rent(ada.id, service="go", idempotency_key="k")
    assert (rental.state, kit.provider.on_cancel.calls) == (State.WAITING, 0)
    assert await books_are_balanced(kit)


async def never_be_told(*answers: Cancelled | Unknown) -> tuple[Kit, Account]:
    """Have a number saved although the store says twice that it was not, and handed back."""
    kit = Kit(store=(store := FailingStore()))
    ada = await kit.customer("10.00")

    async def the_answers_are_lost() -> None:
        store.lose_answer()
        store.lose_answer()

    kit.provider.on_rent.next(meanwhile=the_answers_are_lost)
    for answer in answers:
        kit.provider.on_cancel.next(answer)
    with pytest.raises(StoreUnavailable):
        await kit.kiwi.rentals.rent(ada.id, service="go", idempotency_key="k")
    return kit, ada


async def test_a_saved_number_that_was_handed_back_is_cancelled_at_once() -> None:
    kit, ada = await never_be_told()
    assert await all_states(kit) == [State.CANCELLED]
    assert kit.provider.upstream.refunded == kit.provider.upstream.charged
    assert await available(kit, ada) == "10.00"
    assert not await kit.store.incidents(limit=10)
    assert await books_are_balanced(kit)


async def test_a_saved_number_that_upstream_did_not_take_back_is_still_the_customers() -> None:
    kit, ada = await never_be_told(Unknown("reset"))
    again = await kit.kiwi.rentals.rent(ada.id, service="go", idempotency_key="k")
    assert again.state is State.WAITING
    assert [again.activation_id] == list(kit.provider.upstream.activations)
    assert await books_are_balanced(kit)


async def test_a_number_that_can_neither_be_saved_nor_handed_back_is_an_incident() -> None:
    kit = Kit(store=(store := FailingStore()))
    ada = await kit.customer("10.00")

    async def the_store_fails() -> None:
        store.fail(StoreUnavailable, times=2)

    kit.provider.on_rent.next(meanwhile=the_store_fails)
    kit.provider.on_cancel.next(Unknown("reset"))
    with pytest.raises(StoreUnavailable):
        await kit.kiwi.rentals.rent(ada.id, service="go")
    [incident] = await kit.store.incidents(limit=10)
    [activation_id] = kit.provider.upstream.activations
    assert (incident.kind, incident.activation_id) == (IncidentKind.ANSWER_LOST, activation_id)
    assert "may still be rented: Unknown(detail='reset')" in incident.detail
    assert await available(kit, ada) == "10.00"


@pytest.mark.parametrize("answer", [TooEarly(), Ambiguous(), Gone(), Unknown("reset")])
async def test_an_incident_tells_of_a_late_number_that_could_not_be_handed_back(
    kit: Kit, ada: Account, answer: TooEarly | Ambiguous | Gone | Unknown
) -> None:
    async def too_long() -> None:
        kit.clock.advance(kit.terms.pace.request_timeout.total_seconds())
        await kit.work()

    kit.provider.on_rent.next(meanwhile=too_long)
    kit.provider.on_cancel.next(answer)
    with pytest.raises(ProviderFailed):
        await kit.kiwi.rentals.rent(ada.id, service="go")
    late, *_ = await kit.store.incidents(limit=10)
    [activation_id] = kit.provider.upstream.activations
    assert (late.kind, late.activation_id) == (IncidentKind.ANSWER_TOO_LATE, activation_id)
    assert "may still be rented" in late.detail


@pytest.mark.parametrize("at_once", [False, True])
async def test_one_number_is_never_given_to_two(kit: Kit, ada: Account, at_once: bool) -> None:
    bob = await kit.customer("10.00", "bob@example.com")
    await kit.kiwi.catalog.current(CountryCode("187"))
    kit.provider.on_rent.next(
        Rented(activation_id=ActivationId("4242"), phone=Phone("13476711222")), times=2
    )
    rents = [kit.kiwi.rentals.rent(each.id, service="go") for each in (ada, bob)]
    if at_once:
        outcomes = await asyncio.gather(*rents, return_exceptions=True)
    else:
        outcomes = [await rents[0], *(await asyncio.gather(rents[1], return_exceptions=True))]
    assert [type(outcome) for outcome in outcomes] == [Rental, ProviderFailed]
    assert kit.provider.on_cancel.calls == 0
    assert (await available(kit, bob), await held(kit, bob)) == ("10.00", "0.00")
    [incident] = await kit.store.incidents(limit=10)
    assert (incident.account_id, incident.kind) == (bob.id, IncidentKind.ANSWER_LOST)
    assert await books_are_balanced(kit)


async def test_a_renewal_that_brings_anothers_number_does_not_hand_it_back(
    kit: Kit, ada: Account
) -> None:
    old = await kit.kiwi.rentals.rent(ada.id, service="go")
    kit.provider.deliver("1")
    await kit.kiwi.rentals.done(ada.id, old.id)
    open_ = await kit.kiwi.rentals.rent(ada.id, service="go")
    assert open_.activation_id is not None
    kit.provider.on_renew.next(Rented(activation_id=open_.activation_id, phone=Phone(open_.phone)))
    with pytest.raises(ProviderFailed):
        await kit.kiwi.rentals.renew(ada.id, old.id)
    assert kit.provider.on_cancel.calls == 0
    assert len(await kit.store.incidents(limit=10)) == 1


async def test_a_number_that_ended_may_be_given_again(kit: Kit, ada: Account) -> None:
    number = Rented(activation_id=ActivationId("4242"), phone=Phone("13476711222"))
    kit.provider.on_rent.next(number, times=2)
    first = await kit.kiwi.rentals.rent(ada.id, service="go")
    kit.provider.on_cancel.next(Cancelled())
    await kit.kiwi.rentals.cancel(ada.id, first.id)
    assert await kit.kiwi.rentals.rent(ada.id, service="go")


async def test_the_same_key_gives_the_same_rental(kit: Kit, ada: Account) -> None:
    order = Order.parse(service="go")
    first = await kit.kiwi.rentals.order(ada.id, order, idempotency_key="k")
    kit.provider.deliver("123456")
    kit.clock.advance(3)
    await kit.kiwi.rentals.get(ada.id, first.rental.id)
    second = await kit.kiwi.rentals.order(ada.id, order, idempotency_key="k")
    assert (first.replayed, second.replayed) == (False, True)
    assert first.rental.id == second.rental.id
    assert kit.provider.on_rent.calls == 1


async def test_forty_equal_rents_at_once_make_one_number_and_one_charge(
    kit: Kit, ada: Account
) -> None:
    outcomes = await asyncio.gather(
        *(kit.kiwi.rentals.rent(ada.id, service="go", idempotency_key="k") for _ in range(40)),
        return_exceptions=True,
    )
    made = [outcome for outcome in outcomes if isinstance(outcome, Rental)]
    refused = [outcome for outcome in outcomes if isinstance(outcome, IdempotencyConflict)]
    assert len(made) == 1
    assert len(refused) == 39
    assert kit.provider.on_rent.calls == 1
    assert await available(kit, ada) == "9.61"
    assert await books_are_balanced(kit)


async def test_a_key_is_bound_to_its_request(kit: Kit, ada: Account) -> None:
    rental = await kit.kiwi.rentals.rent(ada.id, service="go", idempotency_key="k")
    kit.provider.deliver("1")
    kit.clock.advance(3)
    await kit.kiwi.rentals.get(ada.id, rental.id)
    for other in ({"service": "fb"}, {"service": "go", "country": "16"}):
        with pytest.raises(IdempotencyKeyReused):
            await kit.kiwi.rentals.rent(ada.id, **other, idempotency_key="k")
    with pytest.raises(IdempotencyKeyReused):
        await kit.kiwi.rentals.renew(ada.id, rental.id, idempotency_key="k")


async def test_a_key_is_free_again_after_a_day(kit: Kit, ada: Account) -> None:
    first = await kit.kiwi.rentals.rent(ada.id, service="go", idempotency_key="k")
    kit.clock.advance(24 * 3600)
    second = await kit.kiwi.rentals.rent(ada.id, service="fb", idempotency_key="k")
    assert first.id != second.id


async def test_a_key_of_another_account_is_another_key(kit: Kit, ada: Account) -> None:
    bob = await kit.customer("10.00", "bob@example.com")
    first = await kit.kiwi.rentals.rent(ada.id, service="go", idempotency_key="k")
    second = await kit.kiwi.rentals.rent(bob.id, service="fb", idempotency_key="k")
    assert first.id != second.id


@pytest.mark.parametrize("key", ["", "x" * 257, "a\nb"])
async def test_a_key_that_cannot_be_used_is_refused(kit: Kit, ada: Account, key: str) -> None:
    with pytest.raises(ValidationRefused):
        await kit.kiwi.rentals.rent(ada.id, service="go", idempotency_key=key)


async def test_a_replay_needs_no_upstream() -> None:
    store = MemoryStore()
    before = Kit(store=store)
    ada = await before.customer("10.00")
    first = await before.kiwi.rentals.rent(ada.id, service="go", idempotency_key="k")
    restarted = Kit(store=store)
    restarted.provider.on_catalog.next(Unknown("down"), times=100)
    again = await restarted.kiwi.rentals.rent(ada.id, service="go", idempotency_key="k")
    assert again.id == first.id
    with pytest.raises(ProviderFailed):
        await restarted.kiwi.rentals.rent(ada.id, service="go", idempotency_key="another")
    with pytest.raises(IdempotencyKeyReused):
        await restarted.kiwi.rentals.rent(ada.id, service="fb", idempotency_key="k")


async def test_a_replay_needs_no_price_that_is_still_low_enough(kit: Kit, ada: Account) -> None:
    async def rent(key: str) -> Rental:
        return await kit.kiwi.rentals.rent(
            ada.id, service="go", max_price="0.39", idempotency_key=key
        )

    first = await rent("k")
    go = ServiceCode("go")
    catalog = (await kit.kiwi.catalog.current(CountryCode("187"))).catalog
    dearer = evolve(catalog.offers[go], cost=Money.parse("9.00"))
    kit.provider.on_catalog.next(evolve(catalog, offers={go: dearer}), times=100)
    kit.clock.advance(24 * 3600 - 1)
    assert (await rent("k")).id == first.id
    with pytest.raises(ServiceUnavailable):
        await rent("another")


async def test_a_replay_needs_no_room(ada_may_have_two: Kit) -> None:
    kit = ada_may_have_two
    ada = await kit.kiwi.accounts.find("ada@example.com")
    first = await kit.kiwi.rentals.rent(ada.id, service="go", idempotency_key="k")
    await kit.kiwi.rentals.rent(ada.id, service="go")
    again = await kit.kiwi.rentals.rent(ada.id, service="go", idempotency_key="k")
    assert again.id == first.id


async def test_a_renewal_is_replayed_whatever_became_of_the_rental_and_of_upstream() -> None:
    store = MemoryStore()
    before = Kit(store=store)
    ada = await before.customer("10.00")
    old = await before.kiwi.rentals.rent(ada.id, service="go")
    before.provider.deliver("1")
    await before.kiwi.rentals.done(ada.id, old.id)
    made = await before.kiwi.rentals.renew(ada.id, old.id, idempotency_key="k")
    restarted = Kit(store=store)
    restarted.provider.on_catalog.next(Unknown("down"), times=100)
    again = await restarted.kiwi.rentals.renew(ada.id, old.id, idempotency_key="k")
    assert again.id == made.id
    async with store.transaction(ada.id) as tx:
        # No rental comes back from its end; a replay need not even know that.
        tx.save(evolve(old, state=State.EXPIRED))
    again = await restarted.kiwi.rentals.renew(ada.id, old.id, idempotency_key="k")
    assert again.id == made.id
    with pytest.raises(RenewNotFound):
        await restarted.kiwi.rentals.renew(ada.id, old.id, idempotency_key="another")


async def test_the_last_dollar_is_spent_once(kit: Kit) -> None:
    eve = await kit.customer("0.78")
    outcomes = await asyncio.gather(
        *(kit.kiwi.rentals.rent(eve.id, service="go") for _ in range(20)), return_exceptions=True
    )
    assert sum(isinstance(outcome, Rental) for outcome in outcomes) == 2
    assert sum(isinstance(outcome, InsufficientBalance) for outcome in outcomes) == 18
    assert kit.provider.on_rent.calls == 2
    assert await available(kit, eve) == "0.00"
    assert await books_are_balanced(kit)


async def test_the_customers_limit_is_kept(kit: Kit, ada: Account) -> None:
    with pytest.raises(ServiceUnavailable):
        await kit.kiwi.rentals.rent(ada.id, service="go", max_price="0.38")
    assert kit.provider.on_rent.calls == 0
    assert await kit.kiwi.rentals.rent(ada.id, service="go", max_price="0.39")


async def test_wishes_are_in_the_price(kit: Kit, ada: Account) -> None:
    rental = await kit.kiwi.rentals.rent(ada.id, service="go", areas="503,202", carrier="tmo")
    assert str(rental.price) == "0.57"
    assert await books_are_balanced(kit)


async def test_an_unknown_service_asks_nobody(kit: Kit, ada: Account) -> None:
    for service in ("nothing-of-the-kind", "ma"):
        with pytest.raises(ServiceUnavailable):
            await kit.kiwi.rentals.rent(ada.id, service=service)
    assert kit.provider.on_rent.calls == 0


async def test_an_account_has_only_so_many_rentals(ada_may_have_two: Kit) -> None:
    kit = ada_may_have_two
    ada = await kit.kiwi.accounts.find("ada@example.com")
    outcomes = await asyncio.gather(
        *(kit.kiwi.rentals.rent(ada.id, service="go") for _ in range(5)), return_exceptions=True
    )
    assert sum(isinstance(outcome, TooManyActiveRentals) for outcome in outcomes) == 3
    rental = next(outcome for outcome in outcomes if isinstance(outcome, Rental))
    await kit.kiwi.rentals.cancel(ada.id, rental.id)
    assert await kit.kiwi.rentals.rent(ada.id, service="go")


@pytest.fixture
async def ada_may_have_two() -> Kit:
    kit = Kit(terms=Terms(max_active_rentals=2))
    await kit.customer("10.00")
    return kit


async def test_upstreams_slots_are_shared_by_all_accounts() -> None:
    kit = Kit(terms=Terms(provider_max_waiting=2))
    ada = await kit.customer("10.00")
    bob = await kit.customer("10.00", "bob@example.com")
    await kit.kiwi.rentals.rent(ada.id, service="go")
    second = await kit.kiwi.rentals.rent(bob.id, service="go")
    with pytest.raises(ServiceUnavailable):
        await kit.kiwi.rentals.rent(ada.id, service="go")
    kit.provider.deliver("1", to=second.activation_id)
    kit.clock.advance(3)
    await kit.kiwi.rentals.get(bob.id, second.id)
    assert await kit.kiwi.rentals.rent(ada.id, service="go")


async def test_who_only_cancels_must_wait() -> None:
    kit = Kit(terms=Terms(cancels_per_hour=2))
    ada = await kit.customer("10.00")
    rentals = [await kit.kiwi.rentals.rent(ada.id, service="go") for _ in range(3)]
    for rental in rentals:
        await kit.kiwi.rentals.cancel(ada.id, rental.id)
        kit.clock.advance(60)
    with pytest.raises(RateLimited) as refused:
        await kit.kiwi.rentals.rent(ada.id, service="go")
    assert refused.value.retry_after == 3600 - 120 + 1
    kit.clock.advance(refused.value.retry_after - 1)
    with pytest.raises(RateLimited) as refused:
        await kit.kiwi.rentals.rent(ada.id, service="go")
    assert refused.value.retry_after == 1
    kit.clock.advance(1)
    assert await kit.kiwi.rentals.rent(ada.id, service="go")


async def test_who_has_numbers_taken_back_by_upstream_need_not_wait() -> None:
    kit = Kit(terms=Terms(cancels_per_hour=1))
    ada = await kit.customer("10.00")
    for _ in range(3):
        rental = await kit.kiwi.rentals.rent(ada.id, service="go")
        assert rental.activation_id is not None
        assert kit.provider.upstream.withdraw(rental.activation_id, kit.clock.now())
        kit.clock.advance(3)
        assert (await kit.kiwi.rentals.get(ada.id, rental.id)).state is State.CANCELLED


async def test_a_suspended_account_rents_nothing(kit: Kit, ada: Account) -> None:
    await kit.kiwi.accounts.suspend(ada.id, reason="chargeback")
    with pytest.raises(AccountSuspended):
        await kit.kiwi.rentals.rent(ada.id, service="go")
    await kit.kiwi.accounts.reinstate(ada.id)
    assert await kit.kiwi.rentals.rent(ada.id, service="go")


async def test_a_renewal_is_a_new_rental_of_the_same_number(kit: Kit, ada: Account) -> None:
    old = await kit.kiwi.rentals.rent(ada.id, service="go")
    kit.provider.deliver("1")
    kit.clock.advance(3)
    await kit.kiwi.rentals.done(ada.id, old.id)
    new = await kit.kiwi.rentals.renew(ada.id, old.id, idempotency_key="k")
    assert (new.phone, new.renews, new.state) == (old.phone, old.id, State.WAITING)
    assert new.activation_id != old.activation_id
    again = await kit.kiwi.rentals.order_renewal(ada.id, old.id, idempotency_key="k")
    assert (again.rental, again.replayed) == (new, True)
    assert (await available(kit, ada), await held(kit, ada)) == ("9.22", "0.39")
    assert await books_are_balanced(kit)


@pytest.mark.parametrize("answer", [Cancelled(), Ambiguous()])
async def test_a_renewal_that_brings_another_number_is_handed_back(
    kit: Kit, ada: Account, answer: Cancelled | Ambiguous
) -> None:
    old = await kit.kiwi.rentals.rent(ada.id, service="go")
    kit.provider.deliver("1")
    await kit.kiwi.rentals.done(ada.id, old.id)
    other = Rented(activation_id=ActivationId("7"), phone=Phone("15035550100"))
    kit.provider.on_renew.next(other)
    kit.provider.on_cancel.next(answer)
    with pytest.raises(ProviderFailed):
        await kit.kiwi.rentals.renew(ada.id, old.id, idempotency_key="k")
    assert kit.provider.on_cancel.calls == 1
    assert (await available(kit, ada), await held(kit, ada)) == ("9.61", "0.00")
    incidents = await kit.store.incidents(limit=10)
    assert [each.activation_id for each in incidents] == (
        [] if answer == Cancelled() else [other.activation_id]
    )
    assert (await kit.kiwi.rentals.renew(ada.id, old.id, idempotency_key="k")).renews
    assert await books_are_balanced(kit)


async def test_only_a_used_number_can_be_renewed(kit: Kit, ada: Account) -> None:
    waiting = await kit.kiwi.rentals.rent(ada.id, service="go")
    with pytest.raises(RenewNotFound):
        await kit.kiwi.rentals.renew(ada.id, waiting.id)
    await kit.kiwi.rentals.cancel(ada.id, waiting.id)
    with pytest.raises(RenewNotFound):
        await kit.kiwi.rentals.renew(ada.id, waiting.id)
    bob = await kit.customer("1.00", "bob@example.com")
    with pytest.raises(RenewNotFound):
        await kit.kiwi.rentals.renew(bob.id, waiting.id)


async def test_a_renewal_that_upstream_refuses_is_not_found(kit: Kit, ada: Account) -> None:
    rental = await kit.kiwi.rentals.rent(ada.id, service="go")
    kit.provider.deliver("1")
    await kit.kiwi.rentals.done(ada.id, rental.id)
    kit.provider.on_renew.next(Refused(Refusal.NOT_RENEWABLE))
    with pytest.raises(RenewNotFound):
        await kit.kiwi.rentals.renew(ada.id, rental.id)
    assert await held(kit, ada) == "0.00"
    assert await books_are_balanced(kit)
