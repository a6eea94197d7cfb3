"""Any history of commands, codes, failures and time keeps the books, over every store."""

import asyncio
import contextlib
from collections.abc import Callable, Coroutine
from datetime import datetime, timedelta
from typing import Any, ClassVar, TypeVar

import pytest
from attrs import define
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    MultipleResults,
    RuleBasedStateMachine,
    consumes,
    initialize,
    invariant,
    multiple,
    rule,
)

from kiwisms.domain.errors import KiwismsError
from kiwisms.domain.idempotency import IdempotencyKeyReused
from kiwisms.domain.ids import AccountId, ActivationId, RentalId
from kiwisms.domain.incident import Incident, IncidentKind
from kiwisms.domain.ledger import ReferenceReused
from kiwisms.domain.money import ZERO, Money, cents
from kiwisms.domain.rental_state import FINAL, State
from kiwisms.domain.wallet import Wallet
from kiwisms.ports.provider import Ambiguous, Refusal, Refused, Unknown
from kiwisms.testing.kit import Kit
from tests.contract.stores import OPEN

T = TypeVar("T")
PRICE = {"go": cents(39), "am": cents(20)}
LOST = Unknown("lost")


@define
class Told:
    """What the model knows of one rental: only what a customer and upstream can see."""

    activation: ActivationId
    price: Money
    codes: int = 0
    delivered: int = 0
    done: bool = False
    paid: bool = False
    back: bool = False


@define
class Begun:
    """What the model knows of a request whose process died."""

    price: Money
    rescued_at: datetime


class Killed(BaseException):
    """The process dies."""


class Rentals(RuleBasedStateMachine):
    """Drives the use cases, and compares them with a model of what the customer was shown."""

    numbers: Bundle[RentalId] = Bundle("numbers")
    store: ClassVar[str]

    def __init__(self) -> None:
        super().__init__()
        self.loop = asyncio.new_event_loop()
        self.stack = contextlib.AsyncExitStack()
        self.told: dict[RentalId, Told] = {}
        self.funded = ZERO
        self.credited: dict[str, int] = {}
        self.answered: dict[str, RentalId] = {}
        self.begun: list[Begun] = []
        self.rescued = 0
        self.seen_final: dict[RentalId, State] = {}

    def do(self, work: Coroutine[Any, Any, T]) -> T:
        return self.loop.run_until_complete(asyncio.wait_for(work, 20))

    @initialize(target=numbers, upstream_minutes=st.sampled_from([20, 60]))
    def open(self, upstream_minutes: int) -> RentalId:
        store = self.do(self.stack.enter_async_context(OPEN[self.store]()))
        self.kit = Kit(store=store)
        # Whose session is longer decides whether a number is taken back or runs out.
        self.kit.provider.upstream.session = timedelta(minutes=upstream_minutes)
        self.account: AccountId = self.do(self.kit.customer("3.00")).id
        self.funded = cents(300)
        self.do(self.listen())
        rental = self.do(self.kit.kiwi.rentals.rent(self.account, service="go"))
        assert rental.activation_id is not None
        self.told[rental.id] = Told(rental.activation_id, PRICE["go"])
        return rental.id

    async def listen(self) -> None:
        await self.kit.kiwi.webhooks.set(self.account, "https://example.com/events")

    def teardown(self) -> None:
        self.do(self.stack.aclose())
        self.loop.close()

    @rule(amount=st.integers(1, 200), reference=st.sampled_from(["a", "b", None]))
    def credit(self, amount: int, reference: str | None) -> None:
        credit = self.kit.kiwi.wallet.credit(
            self.account, cents(amount), reason="top-up", reference=reference
        )
        earlier = None if reference is None else self.credited.get(reference)
        if earlier is None:
            self.do(credit)
            self.funded += cents(amount)
            if reference is not None:
                self.credited[reference] = amount
        elif earlier == amount:
            self.do(credit)
        else:
            with pytest.raises(ReferenceReused):
                self.do(credit)

    @rule(amount=st.integers(1, 50))
    def debit(self, amount: int) -> None:
        with contextlib.suppress(KiwismsError):
            self.do(self.kit.kiwi.wallet.debit(self.account, cents(amount), reason="payout"))
            self.funded -= cents(amount)

    @rule(
        target=numbers,
        service=st.sampled_from(sorted(PRICE)),
        key=st.sampled_from([None, None, None, "k1", "k2"]),
        fault=st.sampled_from(["none"] * 6 + ["refused", "lost", "lost after acting"]),
    )
    def rent(
        self, service: str, key: str | None, fault: str
    ) -> RentalId | MultipleResults[RentalId]:
        if fault == "refused":
            self.kit.provider.on_rent.next(Refused(Refusal.NO_NUMBERS))
        elif fault != "none":
            self.kit.provider.on_rent.next(LOST, acts="acting" in fault)
        rent = self.kit.kiwi.rentals.rent(self.account, service=service, idempotency_key=key)
        before = self.do(self.kit.kiwi.wallet.balance(self.account))
        try:
            rental = self.do(rent)
        except KiwismsError as refused:
            self.assert_nothing_was_done(key, refused, before)
            return multiple()
        finally:
            self.kit.provider.on_rent.clear()
        assert rental.activation_id is not None
        assert key is None or self.answered.setdefault(key, rental.id) == rental.id
        if rental.id in self.told:
            assert key is not None
            return multiple()
        assert rental.price == PRICE[service]
        self.told[rental.id] = Told(rental.activation_id, rental.price)
        return rental.id

    def assert_nothing_was_done(
        self, key: str | None, refused: KiwismsError, before: Wallet
    ) -> None:
        # A key that has its answer gives it, whatever else would be refused.
        assert key not in self.answered or isinstance(refused, IdempotencyKeyReused)
        now = self.do(self.kit.kiwi.wallet.balance(self.account))
        assert now.available == before.available

    @rule(service=st.sampled_from(sorted(PRICE)), key=st.sampled_from([None, None, "k1", "k2"]))
    def the_process_dies_while_it_rents(self, service: str, key: str | None) -> None:
        async def die() -> None:
            raise Killed

        self.kit.provider.on_rent.next(meanwhile=die)
        rent = self.kit.kiwi.rentals.rent(self.account, service=service, idempotency_key=key)
        begun_at = self.kit.clock.now()
        try:
            self.do(rent)
        except Killed:
            self.begun.append(Begun(PRICE[service], begun_at + self.kit.terms.pace.request_timeout))
        except KiwismsError:
            pass  # refused before upstream was asked
        self.kit.provider.on_rent.clear()

    @rule(number=numbers)
    def a_code_that_is_looked_for_is_told(self, number: RentalId) -> None:
        before = self.do(self.kit.kiwi.rentals.find(number))
        arrived = self.kit.provider.deliver("77", to=self.told[number].activation)
        if arrived is None or before.state is not State.WAITING:
            self.told[number].delivered += arrived is not None
            return
        self.told[number].delivered += 1
        self.kit.clock.advance(20)
        after = self.do(self.kit.kiwi.rentals.get(self.account, number))
        assert "77" in {message.code for message in after.messages}

    @rule(number=numbers, code=st.sampled_from(["1", "2", "0042"]))
    def a_code_arrives(self, number: RentalId, code: str) -> None:
        if self.kit.provider.deliver(code, to=self.told[number].activation):
            self.told[number].delivered += 1

    @rule(number=numbers, fault=st.booleans())
    def poll(self, number: RentalId, fault: bool) -> None:
        if fault:
            self.kit.provider.on_look.next(LOST)
        self.do(self.kit.kiwi.rentals.get(self.account, number))
        self.kit.provider.on_look.clear()

    @rule(
        number=numbers,
        fault=st.sampled_from([None, None, LOST, Ambiguous()]),
        acts=st.booleans(),
        at_once=st.integers(1, 3),
    )
    def cancel(
        self, number: RentalId, fault: Unknown | Ambiguous | None, acts: bool, at_once: int
    ) -> None:
        if fault is not None:
            self.kit.provider.on_cancel.next(fault, acts=acts)
        self.at_once(at_once, lambda: self.kit.kiwi.rentals.cancel(self.account, number))
        self.kit.provider.on_cancel.clear()

    @rule(number=numbers, fault=st.booleans(), at_once=st.integers(1, 3))
    def done(self, number: RentalId, fault: bool, at_once: int) -> None:
        if fault:
            self.kit.provider.on_finish.next(LOST, acts=True)
        self.told[number].done = True
        self.at_once(at_once, lambda: self.kit.kiwi.rentals.done(self.account, number))
        self.kit.provider.on_finish.clear()

    @rule(number=numbers)
    def cancel_against_done(self, number: RentalId) -> None:
        self.told[number].done = True
        acts = iter([self.kit.kiwi.rentals.cancel, self.kit.kiwi.rentals.done])
        self.at_once(2, lambda: next(acts)(self.account, number))

    @rule(number=consumes(numbers), target=numbers)
    def renew(self, number: RentalId) -> RentalId | MultipleResults[RentalId]:
        try:
            made = self.do(self.kit.kiwi.rentals.renew(self.account, number))
        except KiwismsError:
            return number
        assert made.activation_id is not None
        self.told[made.id] = Told(made.activation_id, made.price)
        return multiple(number, made.id)

    @rule(number=numbers)
    def upstream_takes_it_back(self, number: RentalId) -> None:
        activation = self.told[number].activation
        self.kit.provider.upstream.withdraw(activation, self.kit.clock.now())

    @rule(seconds=st.sampled_from([1, 3, 20, 600, 1200]))
    def time_passes(self, seconds: int) -> None:
        self.kit.clock.advance(seconds)
        self.do(self.kit.work())
        left = [begun for begun in self.begun if begun.rescued_at > self.kit.clock.now()]
        self.rescued += len(self.begun) - len(left)
        self.begun = left

    @rule()
    def days_pass_and_old_records_are_removed(self) -> None:
        self.time_passes(seconds=3 * 86_400)
        self.answered.clear()
        before = len(self.nobody_came_back())
        self.do(self.kit.kiwi.pruning.run(days=1))
        self.rescued -= before - len(self.nobody_came_back())

    def nobody_came_back(self) -> list[Incident]:
        incidents = self.do(self.kit.store.incidents(limit=1000))
        return [each for each in incidents if each.kind is IncidentKind.NOBODY_CAME_BACK]

    def at_once(self, times: int, act: Callable[[], Coroutine[Any, Any, object]]) -> None:
        async def all_of_them() -> None:
            outcomes = await asyncio.gather(*(act() for _ in range(times)), return_exceptions=True)
            for outcome in outcomes:
                assert not isinstance(outcome, BaseException) or isinstance(outcome, KiwismsError)

        self.do(all_of_them())

    @invariant()
    def the_books_are_right(self) -> None:
        if not hasattr(self, "kit"):
            return
        assert self.do(self.kit.kiwi.wallet.audit()).violations == ()

    @invariant()
    def money_and_rentals_agree_with_the_model(self) -> None:
        if not hasattr(self, "kit"):
            return
        spent = ZERO
        held = sum((begun.price for begun in self.begun), ZERO)
        for rental_id, told in self.told.items():
            rental = self.do(self.kit.kiwi.rentals.find(rental_id))
            assert rental.price == told.price
            assert len(rental.messages) >= told.codes
            told.codes = len(rental.messages)
            assert told.codes <= told.delivered
            if rental.state in {State.RECEIVED, State.COMPLETED}:
                assert told.codes or told.done
                spent += told.price
                told.paid = True
            elif rental.state is State.WAITING:
                held += told.price
            else:
                assert not rental.messages
                told.back = True
            assert not (told.paid and told.back)
            if rental_id in self.seen_final:
                assert rental.state is self.seen_final[rental_id]
            elif rental.state in FINAL:
                self.seen_final[rental_id] = rental.state
        wallet = self.do(self.kit.kiwi.wallet.balance(self.account))
        assert wallet.held == held
        assert wallet.available == self.funded - spent - held

    @invariant()
    def whoever_did_not_come_back_is_an_incident(self) -> None:
        if not hasattr(self, "kit"):
            return
        assert len(self.nobody_came_back()) == self.rescued


class RentalsInMemory(Rentals):
    store = "memory"


class RentalsInSqlite(Rentals):
    store = "sqlite"


class RentalsInPostgres(Rentals):
    store = "postgres"


TestRentalsInMemory = RentalsInMemory.TestCase
TestRentalsInMemory.settings = settings(max_examples=100, stateful_step_count=30, deadline=None)
TestRentalsInSqlite = RentalsInSqlite.TestCase
TestRentalsInSqlite.settings = settings(max_examples=25, stateful_step_count=25, deadline=None)
TestRentalsInPostgres = RentalsInPostgres.TestCase
TestRentalsInPostgres.settings = settings(max_examples=15, stateful_step_count=20, deadline=None)
