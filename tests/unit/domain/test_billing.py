"""The billing table of the interface, and the laws that hold for any history of rentals."""

from contextlib import suppress
from itertools import count

import pytest
from attrs import evolve
from hypothesis import settings
from hypothesis.stateful import Bundle, RuleBasedStateMachine, invariant, rule
from hypothesis.strategies import integers, sampled_from

from kiwisms.domain.audit import audit
from kiwisms.domain.billing import EFFECTS, MOVES, settle
from kiwisms.domain.books import Books
from kiwisms.domain.causes import Effect, transfer_id
from kiwisms.domain.history import Step, step
from kiwisms.domain.ids import RentalId, TransferId
from kiwisms.domain.ledger import LedgerAccount, Transfer, sum_of
from kiwisms.domain.money import ZERO, Money, cents
from kiwisms.domain.rental import Rental
from kiwisms.domain.rental_state import FINAL, TRANSITIONS, Event, State
from kiwisms.domain.transitions import TransitionRefused
from kiwisms.domain.wallet import InsufficientBalance, Wallet
from tests.unit.domain.samples import (
    ACTS,
    ADA,
    NOW,
    PACE,
    PRICE,
    cancel,
    complete,
    fail,
    give_up,
    message,
    receive,
    rent,
    request,
    run_out,
    seconds,
    top_up,
)

AVAILABLE, HELD, REVENUE = LedgerAccount.AVAILABLE, LedgerAccount.HELD, LedgerAccount.REVENUE

REQUESTED = request()
WAITING = rent(request())
RECEIVED = receive(WAITING)


def test_every_step_of_a_rental_has_its_effect_and_there_is_no_other() -> None:
    steps = {(before, after) for (before, _), after in TRANSITIONS.items()}
    assert EFFECTS.keys() == steps


def test_every_effect_but_nothing_has_its_move() -> None:
    assert (
        MOVES.keys() == set(Effect) - {Effect.NOTHING} == set(EFFECTS.values()) - {Effect.NOTHING}
    )


@pytest.mark.parametrize(
    ("before", "after", "moved"),
    [
        pytest.param(None, REQUESTED, (AVAILABLE, HELD, 39), id="a number is asked for"),
        pytest.param(REQUESTED, rent(REQUESTED), None, id="given at the quoted price"),
        pytest.param(
            REQUESTED, rent(REQUESTED, price=cents(30)), (HELD, AVAILABLE, 9), id="given for less"
        ),
        pytest.param(
            REQUESTED, rent(REQUESTED, price=ZERO), (HELD, AVAILABLE, 39), id="given for nothing"
        ),
        pytest.param(REQUESTED, fail(REQUESTED), (HELD, AVAILABLE, 39), id="refused or lost"),
        pytest.param(WAITING, RECEIVED, (HELD, REVENUE, 39), id="first code"),
        pytest.param(RECEIVED, receive(RECEIVED), None, id="further codes"),
        pytest.param(WAITING, complete(WAITING), (HELD, REVENUE, 39), id="done while waiting"),
        pytest.param(RECEIVED, complete(RECEIVED), None, id="done after a code"),
        pytest.param(WAITING, cancel(WAITING), (HELD, AVAILABLE, 39), id="cancelled"),
        pytest.param(WAITING, run_out(WAITING), (HELD, AVAILABLE, 39), id="ran out without a code"),
        pytest.param(RECEIVED, run_out(RECEIVED), None, id="ran out after a code"),
        pytest.param(WAITING, give_up(WAITING), (HELD, AVAILABLE, 39), id="given up"),
    ],
)
def test_the_billing_table_of_the_interface(
    before: Rental | None, after: Rental, moved: tuple[LedgerAccount, LedgerAccount, int] | None
) -> None:
    wallet = Wallet(account_id=ADA, available=cents(100), held=PRICE, transfers=7)
    settled, transfers = settle(wallet, before, after)
    if moved is None:
        assert (settled, transfers) == (wallet, ())
        return
    debit, credit, amount = moved
    [transfer] = transfers
    assert (transfer.debit, transfer.credit, transfer.amount) == (debit, credit, cents(amount))
    assert (transfer.number, transfer.account_id, transfer.at) == (8, ADA, after.changed_at)
    assert settled == wallet.apply(transfer)


def test_a_price_is_never_corrected_upwards() -> None:
    wallet = Wallet(account_id=ADA, available=cents(100), held=PRICE)
    with pytest.raises(ValueError, match="moves"):
        settle(wallet, REQUESTED, rent(REQUESTED, price=cents(40)))


def test_what_is_released_or_captured_is_what_was_corrected_to() -> None:
    cheap = rent(REQUESTED, price=cents(30))
    wallet = Wallet(account_id=ADA, held=cents(30))
    for end in (cancel, run_out, receive, complete):
        settled, [transfer] = settle(wallet, cheap, end(cheap))
        assert transfer.amount == cents(30)
        assert settled.held == ZERO


def test_a_price_that_is_not_covered_holds_nothing() -> None:
    with pytest.raises(InsufficientBalance) as refused:
        settle(Wallet(account_id=ADA, available=cents(38)), None, REQUESTED)
    assert (refused.value.amount, refused.value.available) == (PRICE, cents(38))


def test_a_number_that_is_free_moves_nothing() -> None:
    free, wallet = request(price=ZERO), Wallet(account_id=ADA)
    for before, after in [(None, free), (free, fail(free)), (rent(free), receive(rent(free)))]:
        assert settle(wallet, before, after) == (wallet, ())


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (REQUESTED, receive(WAITING)),
        (cancel(WAITING), RECEIVED),
        (complete(RECEIVED), cancel(WAITING)),
        (None, WAITING),
    ],
)
def test_a_step_that_is_not_in_the_table_has_no_price(before: Rental | None, after: Rental) -> None:
    with pytest.raises(KeyError):
        settle(Wallet(account_id=ADA, available=PRICE, held=PRICE), before, after)


def test_money_moves_when_the_rental_does() -> None:
    later = NOW + seconds(9)
    _, [transfer] = settle(Wallet(account_id=ADA, held=PRICE), WAITING, WAITING.cancel(later))
    assert transfer.at == later


def test_a_transfer_is_named_for_its_rental_and_effect() -> None:
    wallet = Wallet(account_id=ADA, available=PRICE)
    _, [held] = settle(wallet, None, REQUESTED)
    assert held.id == transfer_id(REQUESTED, Effect.HOLD) == "rental:r-1:hold"
    assert held.reason == "hold go"
    _, [captured] = settle(Wallet(account_id=ADA, held=PRICE), WAITING, RECEIVED)
    assert captured.id == "rental:r-1:capture"
    assert captured.reason == "capture go 12025550123"


class Billing(RuleBasedStateMachine):
    """Any commands in any order on any number of rentals of one wallet."""

    ids: Bundle[RentalId] = Bundle("ids")

    def __init__(self) -> None:
        super().__init__()
        self.wallet = Wallet(account_id=ADA)
        self.transfers: list[Transfer] = []
        self.rentals: dict[RentalId, Rental] = {}
        self.steps: list[Step] = []
        self.numbers = count()

    def settle(self, before: Rental | None, after: Rental) -> None:
        self.wallet, transfers = settle(self.wallet, before, after)
        self.transfers.extend(transfers)
        self.rentals[after.id] = after
        happened = step(before, after, "app")
        if happened is not None:
            self.steps.append(happened)

    def moved(self, rental: Rental, effect: Effect) -> list[Money]:
        name = transfer_id(rental, effect)
        return [transfer.amount for transfer in self.transfers if transfer.id == name]

    @rule(amount=integers(1, 200))
    def fund(self, amount: int) -> None:
        self.wallet, transfer = self.wallet.fund(cents(amount), top_up(str(next(self.numbers))))
        self.transfers.append(transfer)

    @rule(amount=integers(1, 200))
    def withdraw(self, amount: int) -> None:
        cause = evolve(top_up(), id=TransferId(f"debit:{next(self.numbers)}"))
        with suppress(InsufficientBalance):
            self.wallet, transfer = self.wallet.withdraw(cents(amount), cause)
            self.transfers.append(transfer)

    @rule(target=ids, price=integers(0, 100))
    def request(self, price: int) -> RentalId:
        asked = request(id=f"r-{next(self.numbers)}", price=cents(price))
        with suppress(InsufficientBalance):
            self.settle(None, asked)
        return asked.id

    @rule(id=ids, less=integers(0, 50))
    def rent(self, id: RentalId, less: int) -> None:
        rental = self.rentals.get(id)
        if rental is not None and rental.state is State.REQUESTED:
            self.settle(rental, rent(rental, price=max(ZERO, rental.price - cents(less))))

    @rule(id=ids, event=sampled_from(sorted(set(ACTS) - {Event.RENT})))
    def act(self, id: RentalId, event: Event) -> None:
        rental = self.rentals.get(id)
        if rental is not None:
            with suppress(TransitionRefused):
                self.settle(rental, ACTS[event](rental))

    @rule(id=ids, event=sampled_from(sorted(set(ACTS) - {Event.RENT, Event.RECEIVE})))
    def a_command_said_twice_changes_nothing(self, id: RentalId, event: Event) -> None:
        self.act(id, event)
        before = (self.wallet, list(self.transfers), dict(self.rentals))
        self.act(id, event)
        assert (self.wallet, self.transfers, self.rentals) == before

    @rule(id=ids)
    def a_message_seen_twice_changes_nothing(self, id: RentalId) -> None:
        rental = self.rentals.get(id)
        if rental is not None:
            with suppress(TransitionRefused):
                received = rental.receive(message("twice"), NOW, PACE)
                self.settle(rental, received)
                before = (self.wallet, list(self.transfers))
                self.settle(received, received.receive(message("twice"), NOW, PACE))
                assert (self.wallet, self.transfers) == before

    @rule(id=ids)
    def a_look_moves_no_money(self, id: RentalId) -> None:
        rental = self.rentals.get(id)
        if rental is not None and rental.state not in FINAL:
            before = self.wallet
            self.settle(rental, rental.looked(NOW, PACE))
            assert self.wallet == before

    @invariant()
    def every_transfer_is_balanced(self) -> None:
        assert sum((sum_of(self.transfers, each) for each in LedgerAccount), start=ZERO) == ZERO

    @invariant()
    def nothing_is_ever_negative(self) -> None:
        assert self.wallet.available >= ZERO
        assert self.wallet.held >= ZERO

    @invariant()
    def held_is_the_sum_of_what_is_not_settled(self) -> None:
        undecided = {State.REQUESTED, State.WAITING}
        held = [each.price for each in self.rentals.values() if each.state in undecided]
        assert self.wallet.held == sum(held, start=ZERO)

    @invariant()
    def revenue_is_the_sum_of_what_is_charged(self) -> None:
        charged = {State.RECEIVED, State.COMPLETED}
        prices = [each.price for each in self.rentals.values() if each.state in charged]
        assert sum_of(self.transfers, REVENUE) == sum(prices, start=ZERO)

    @invariant()
    def each_rental_is_charged_or_given_back_once_and_never_both(self) -> None:
        for rental in self.rentals.values():
            held, corrected, released, captured = (
                self.moved(rental, effect)
                for effect in (Effect.HOLD, Effect.CORRECT, Effect.RELEASE, Effect.CAPTURE)
            )
            assert max(map(len, (held, corrected, released, captured))) <= 1
            assert not (captured and released)
            given_back = sum((*corrected, *released), start=ZERO)
            assert given_back <= sum(held, start=ZERO)
            assert sum(captured, start=given_back) <= sum(held, start=ZERO)

    @invariant()
    def a_code_received_is_paid(self) -> None:
        for rental in self.rentals.values():
            if rental.messages and rental.price:
                assert self.moved(rental, Effect.CAPTURE) == [rental.price]

    @invariant()
    def an_audit_finds_nothing(self) -> None:
        books = Books(
            wallet=self.wallet,
            transfers=self.transfers,
            rentals=list(self.rentals.values()),
            steps=self.steps,
        )
        assert list(audit(books)) == []


TestBillingLaws = Billing.TestCase
TestBillingLaws.settings = settings(max_examples=100, stateful_step_count=40, deadline=None)
