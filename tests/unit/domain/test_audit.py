"""Honest books pass; whatever is changed behind their back is found, and named."""

from collections.abc import Callable, Sequence

import pytest
from attrs import evolve, frozen

from kiwisms.domain.audit import RENTAL_WAYS, Books, Violation, audit
from kiwisms.domain.billing import MOVES, Effect, settle
from kiwisms.domain.ids import RentalId, TransferId
from kiwisms.domain.ledger import LedgerAccount, Transfer
from kiwisms.domain.money import ZERO, Money, cents
from kiwisms.domain.rental import Rental, State
from kiwisms.domain.wallet import Wallet
from tests.unit.domain.samples import (
    ADA,
    PRICE,
    cancel,
    complete,
    fail,
    message,
    receive,
    rent,
    request,
    run_out,
    top_up,
)

FUNDING, AVAILABLE, HELD, REVENUE = LedgerAccount

NO_GAP = "transfers are numbered without a gap"
COUNTED = "the wallet counts its transfers"
AVAILABLE_SUM = "available is the sum of its transfers"
HELD_SUM = "held is the sum of its transfers"
AVAILABLE_SIGN = "available is never negative"
HELD_SIGN = "held is never negative"
UNDECIDED = "held is the sum of undecided rentals"
RENTAL_HELD = "a rental is held for its price"
CAPTURED = "a rental is captured once it is charged"
RELEASED = "a rental is released when it is not charged"
PAID = "a code received is paid"
NUMBER = "a shown rental has a number"
HAS_RENTAL = "a transfer has its rental"
WAY = "a transfer goes the way of its cause"
PLACE = "a rental has a place upstream while it is undecided"

LIVES: dict[str, Sequence[Callable[[Rental], Rental]]] = {
    "requested": [],
    "failed": [fail],
    "waiting": [rent],
    "corrected": [lambda rental: rent(rental, price=cents(30))],
    "received": [rent, receive, receive],
    "completed": [rent, receive, complete],
    "done": [rent, complete],
    "cancelled": [rent, cancel],
    "expired": [rent, run_out],
}


def places(*ids: str) -> list[RentalId]:
    return [RentalId(each) for each in ("requested", "waiting", *ids)]


def honest() -> Books:
    """The books of an account that has a rental in every state."""
    wallet, first = Wallet(account_id=ADA).fund(cents(1000), top_up())
    transfers, rentals = [first], []
    for name, life in LIVES.items():
        before, after = None, request(id=name)
        wallet, moved = settle(wallet, before, after)
        transfers.extend(moved)
        for act in life:
            before, after = after, act(after)
            wallet, moved = settle(wallet, before, after)
            transfers.extend(moved)
        rentals.append(after)
    return Books(wallet=wallet, transfers=transfers, rentals=rentals, places=places("corrected"))


HONEST = honest()


def place_of(id: str) -> int:
    return [transfer.id for transfer in HONEST.transfers].index(TransferId(id))


def with_transfer(
    id: str,
    *,
    debit: LedgerAccount | None = None,
    credit: LedgerAccount | None = None,
    amount: Money | None = None,
    name: str | None = None,
) -> Books:
    place = place_of(id)
    old = HONEST.transfers[place]
    new = evolve(
        old,
        id=TransferId(name or old.id),
        debit=debit or old.debit,
        credit=credit or old.credit,
        amount=amount or old.amount,
    )
    return evolve(
        HONEST, transfers=[*HONEST.transfers[:place], new, *HONEST.transfers[place + 1 :]]
    )


def with_more(id: str, debit: LedgerAccount, credit: LedgerAccount, amount: Money = PRICE) -> Books:
    """Put one more transfer behind the others, and let the wallet know of it."""
    extra = Transfer(
        id=TransferId(id),
        account_id=ADA,
        number=len(HONEST.transfers) + 1,
        debit=debit,
        credit=credit,
        amount=amount,
        reason="extra",
        at=HONEST.transfers[0].at,
    )
    return evolve(HONEST, wallet=HONEST.wallet.apply(extra), transfers=[*HONEST.transfers, extra])


def with_rental(id: str, change: Callable[[Rental], Rental]) -> Books:
    return evolve(
        HONEST, rentals=[change(each) if each.id == id else each for each in HONEST.rentals]
    )


def without_rental(id: str) -> Books:
    return evolve(HONEST, rentals=[each for each in HONEST.rentals if each.id != id])


def without_transfer(id: str) -> Books:
    place = place_of(id)
    return evolve(HONEST, transfers=[*HONEST.transfers[:place], *HONEST.transfers[place + 1 :]])


def in_state(state: State) -> Callable[[Rental], Rental]:
    return lambda rental: evolve(rental, state=state)


def with_wallet(*, available: Money = ZERO, held: Money = ZERO, transfers: int = 0) -> Books:
    wallet = HONEST.wallet
    return evolve(
        HONEST,
        wallet=evolve(
            wallet,
            available=wallet.available + available,
            held=wallet.held + held,
            transfers=wallet.transfers + transfers,
        ),
    )


def swapped(one: str, other: str) -> Books:
    """Let one transfer happen in place of the other."""
    transfers = list(HONEST.transfers)
    here, there = place_of(one), place_of(other)
    transfers[here], transfers[there] = (
        evolve(transfers[there], number=here + 1),
        evolve(transfers[here], number=there + 1),
    )
    return evolve(HONEST, transfers=transfers)


@frozen
class Forged:
    """Books in which one row was changed, and the laws that it breaks, each with its row."""

    what: str
    books: Books
    laws: dict[str, str]


FORGED = [
    Forged("more is available", with_wallet(available=cents(1)), {AVAILABLE_SUM: "wallet"}),
    Forged("less is held", with_wallet(held=cents(-1)), {HELD_SUM: "wallet", UNDECIDED: "wallet"}),
    Forged("a transfer too many is counted", with_wallet(transfers=1), {COUNTED: "wallet"}),
    Forged(
        "a top-up is lost",
        without_transfer("credit:invoice-1"),
        {
            NO_GAP: "rental:requested:hold",
            AVAILABLE_SUM: "wallet",
            AVAILABLE_SIGN: "rental:requested:hold",
        },
    ),
    Forged(
        "the last transfer is lost",
        without_transfer(HONEST.transfers[-1].id),
        {
            COUNTED: "wallet",
            AVAILABLE_SUM: "wallet",
            HELD_SUM: "wallet",
            RELEASED: "expired",
        },
    ),
    Forged(
        "a top-up is larger",
        with_transfer("credit:invoice-1", amount=cents(1001)),
        {AVAILABLE_SUM: "wallet"},
    ),
    Forged(
        "a hold comes before the money for it",
        swapped("credit:invoice-1", "rental:requested:hold"),
        {AVAILABLE_SIGN: "rental:requested:hold"},
    ),
    Forged(
        "a release comes before the hold",
        swapped("rental:requested:hold", "rental:failed:release"),
        {HELD_SIGN: "rental:failed:release"},
    ),
    Forged(
        "revenue is paid out instead",
        with_transfer("rental:received:capture", credit=FUNDING),
        {WAY: "rental:received:capture"},
    ),
    Forged(
        "a top-up comes out of revenue",
        with_transfer("credit:invoice-1", debit=REVENUE),
        {WAY: "credit:invoice-1"},
    ),
    Forged(
        "a transfer has no cause",
        with_transfer("credit:invoice-1", name="gift:1"),
        {WAY: "gift:1"},
    ),
    Forged(
        "a transfer is another rental's",
        with_transfer("rental:failed:release", name="rental:nobody:release"),
        {RELEASED: "failed", HAS_RENTAL: "rental:nobody:release"},
    ),
    Forged(
        "a transfer has another name",
        with_transfer("rental:waiting:hold", name="rental:waiting:held"),
        {
            RENTAL_HELD: "waiting",
            HAS_RENTAL: "rental:waiting:held",
            WAY: "rental:waiting:held",
        },
    ),
    Forged(
        "money is set aside for nothing",
        with_more("hold:1", AVAILABLE, HELD),
        {UNDECIDED: "wallet", WAY: "hold:1"},
    ),
    Forged(
        "a rental is charged and given back",
        with_more("rental:completed:release", REVENUE, AVAILABLE),
        {RELEASED: "completed", WAY: "rental:completed:release"},
    ),
    Forged(
        "a cancelled rental is charged",
        with_more("rental:cancelled:capture", AVAILABLE, REVENUE),
        {CAPTURED: "cancelled", WAY: "rental:cancelled:capture"},
    ),
    Forged(
        "a number costs more than is held for it",
        with_rental("waiting", lambda rental: evolve(rental, price=cents(40))),
        {UNDECIDED: "wallet", RENTAL_HELD: "waiting"},
    ),
    Forged(
        "a corrected price is the old one again",
        with_rental("corrected", lambda rental: evolve(rental, price=PRICE)),
        {UNDECIDED: "wallet", RENTAL_HELD: "corrected"},
    ),
    Forged(
        "a code costs nothing",
        with_rental("received", lambda rental: evolve(rental, price=ZERO)),
        {RENTAL_HELD: "received", CAPTURED: "received"},
    ),
    Forged(
        "a completed rental is called cancelled",
        with_rental("done", in_state(State.CANCELLED)),
        {CAPTURED: "done", RELEASED: "done"},
    ),
    Forged(
        "an expired rental is called completed",
        with_rental("expired", in_state(State.COMPLETED)),
        {CAPTURED: "expired", RELEASED: "expired"},
    ),
    Forged(
        "a waiting rental is called expired",
        with_rental("waiting", in_state(State.EXPIRED)),
        {UNDECIDED: "wallet", RELEASED: "waiting", PLACE: "waiting"},
    ),
    Forged(
        "a waiting rental is called received",
        with_rental("waiting", in_state(State.RECEIVED)),
        {UNDECIDED: "wallet", CAPTURED: "waiting", PLACE: "waiting"},
    ),
    Forged(
        "an expired rental has a code",
        with_rental("expired", lambda rental: evolve(rental, messages=(message(),))),
        {PAID: "expired"},
    ),
    Forged(
        "a waiting rental has a code",
        with_rental("waiting", lambda rental: evolve(rental, messages=(message(),))),
        {PAID: "waiting"},
    ),
    Forged(
        "a rental has lost its number",
        with_rental("completed", lambda rental: evolve(rental, activation_id=None)),
        {NUMBER: "completed"},
    ),
    Forged(
        "a rental is lost",
        without_rental("cancelled"),
        {HAS_RENTAL: "rental:cancelled:hold rental:cancelled:release"},
    ),
    Forged("a place is given away", evolve(HONEST, places=places()), {PLACE: "corrected"}),
    Forged(
        "a place is kept for ever",
        evolve(HONEST, places=places("corrected", "expired")),
        {PLACE: "expired"},
    ),
]


def broken(found: Sequence[Violation]) -> dict[str, str]:
    laws = dict.fromkeys(each.law for each in found)
    return {law: " ".join(each.row for each in found if each.law == law) for law in laws}


def test_honest_books_break_no_law() -> None:
    assert list(audit(HONEST)) == []
    assert {rental.state for rental in HONEST.rentals} == set(State) - {State.NEW}


def test_a_store_that_counts_has_no_places_to_be_wrong() -> None:
    assert list(audit(evolve(HONEST, places=None))) == []


def test_an_account_that_did_nothing_breaks_no_law() -> None:
    assert list(audit(Books(wallet=Wallet(account_id=ADA), transfers=[], rentals=[]))) == []


@pytest.mark.parametrize("forged", FORGED, ids=lambda forged: forged.what)
def test_what_was_changed_is_found_and_nothing_else(forged: Forged) -> None:
    found = list(audit(forged.books))
    assert broken(found) == forged.laws
    assert {each.account_id for each in found} == {ADA}
    assert all(each.expected != each.found for each in found)


def test_every_law_is_broken_by_something() -> None:
    laws = {law for forged in FORGED for law in forged.laws}
    assert laws == {
        NO_GAP, COUNTED, AVAILABLE_SUM, HELD_SUM, AVAILABLE_SIGN, HELD_SIGN, UNDECIDED,
        RENTAL_HELD, CAPTURED, RELEASED, PAID, NUMBER, HAS_RENTAL, WAY,
        PLACE,
    }  # fmt: skip


def test_a_violation_says_what_should_be_there_and_what_is() -> None:
    [violation] = audit(with_wallet(available=cents(1)))
    expected, found = HONEST.wallet.available, HONEST.wallet.available + cents(1)
    assert violation == Violation(
        law=AVAILABLE_SUM,
        account_id=ADA,
        row="wallet",
        expected=str(expected),
        found=str(found),
    )


@pytest.mark.parametrize("effect", MOVES)
def test_the_ways_are_those_of_billing(effect: Effect) -> None:
    wallet = Wallet(account_id=ADA, available=PRICE, held=PRICE)
    _, transfer = MOVES[effect](wallet, PRICE, top_up())
    assert RENTAL_WAYS[effect] == (transfer.debit, transfer.credit)


def test_a_row_that_has_a_colon_in_its_reference_is_honest() -> None:
    wallet, transfer = Wallet(account_id=ADA).fund(PRICE, top_up("rental:x:hold"))
    assert list(audit(Books(wallet=wallet, transfers=[transfer], rentals=[]))) == []
