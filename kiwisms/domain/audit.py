"""The proof that an account's books agree: each law of the ledger, checked over every row."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Final

from attrs import frozen

from kiwisms.domain.billing import EFFECTS, Effect, transfer_id
from kiwisms.domain.ids import AccountId, RentalId, TransferId
from kiwisms.domain.ledger import LedgerAccount, Transfer, sum_of
from kiwisms.domain.money import ZERO, Money
from kiwisms.domain.rental import SHOWN, UNDECIDED, Rental, State
from kiwisms.domain.wallet import Wallet

CHARGED: Final = frozenset({State.RECEIVED, State.COMPLETED})
"""States in which the price has become revenue; in all others that are decided it went back."""

Ways = Mapping[str, tuple[LedgerAccount, LedgerAccount]]

OPERATOR_WAYS: Final[Ways] = MappingProxyType(
    {
        "credit": (LedgerAccount.FUNDING, LedgerAccount.AVAILABLE),
        "debit": (LedgerAccount.AVAILABLE, LedgerAccount.FUNDING),
    }
)
"""From where to where an operator's transfer moves money, by the first word of its id."""

RENTAL_WAYS: Final[Ways] = MappingProxyType(
    {
        Effect.HOLD: (LedgerAccount.AVAILABLE, LedgerAccount.HELD),
        Effect.CORRECT: (LedgerAccount.HELD, LedgerAccount.AVAILABLE),
        Effect.RELEASE: (LedgerAccount.HELD, LedgerAccount.AVAILABLE),
        Effect.CAPTURE: (LedgerAccount.HELD, LedgerAccount.REVENUE),
    }
)
"""The same of a rental's transfer, by the last word of its id."""


@frozen(kw_only=True)
class Books:
    """
    All of one account that money depends on.

    *transfers* are in the order of their numbers. *places* are the rentals that have a place
    upstream, where the store writes that down.
    """

    wallet: Wallet
    transfers: Sequence[Transfer]
    rentals: Sequence[Rental]
    places: Collection[RentalId] | None = None


@frozen(kw_only=True)
class Violation:
    """A law that does not hold: which, in which row, what should be there and what is."""

    law: str
    account_id: AccountId
    row: str
    expected: str
    found: str


def audit(books: Books) -> Iterator[Violation]:
    """Check every law; yields nothing when the books are right."""
    yield from _numbers_have_no_gap(books)
    yield from _wallet_is_the_sum(books)
    yield from _never_negative(books)
    yield from _held_is_for_undecided(books)
    amounts = {transfer.id: transfer.amount for transfer in books.transfers}
    for rental in books.rentals:
        yield from _rental_is_settled(books, amounts, rental)
    yield from _transfers_have_their_rental(books)
    yield from _transfers_go_their_way(books)
    yield from _places_are_for_undecided(books)


def _numbers_have_no_gap(books: Books) -> Iterator[Violation]:
    for expected, transfer in enumerate(books.transfers, start=1):
        if transfer.number != expected:
            yield _violation(
                books,
                "transfers are numbered without a gap",
                transfer.id,
                expected,
                transfer.number,
            )
            return
    if books.wallet.transfers != len(books.transfers):
        yield _violation(
            books,
            "the wallet counts its transfers",
            "wallet",
            len(books.transfers),
            books.wallet.transfers,
        )


def _wallet_is_the_sum(books: Books) -> Iterator[Violation]:
    sums = {
        LedgerAccount.AVAILABLE: books.wallet.available,
        LedgerAccount.HELD: books.wallet.held,
    }
    for account, found in sums.items():
        expected = sum_of(books.transfers, account)
        if expected != found:
            yield _violation(
                books, f"{account.lower()} is the sum of its transfers", "wallet", expected, found
            )


def _never_negative(books: Books) -> Iterator[Violation]:
    running = {LedgerAccount.AVAILABLE: ZERO, LedgerAccount.HELD: ZERO}
    for transfer in books.transfers:
        for account, sign in ((transfer.credit, 1), (transfer.debit, -1)):
            if account in running:
                running[account] += Money(sign * transfer.amount.micros)
        for account, amount in running.items():
            if amount < ZERO:
                yield _violation(
                    books, f"{account.lower()} is never negative", transfer.id, "≥ 0.00", amount
                )
                return


def _held_is_for_undecided(books: Books) -> Iterator[Violation]:
    expected = sum((r.price for r in books.rentals if r.state in UNDECIDED), start=ZERO)
    if expected != books.wallet.held:
        yield _violation(
            books, "held is the sum of undecided rentals", "wallet", expected, books.wallet.held
        )


def _rental_is_settled(
    books: Books, amounts: Mapping[TransferId, Money], rental: Rental
) -> Iterator[Violation]:
    def moved(effect: Effect) -> Money:
        return amounts.get(transfer_id(rental, effect), ZERO)

    held_now = moved(Effect.HOLD) - moved(Effect.CORRECT)
    settled = {
        "is held for its price": (rental.price, held_now),
        "is captured once it is charged": (
            rental.price if rental.state in CHARGED else ZERO,
            moved(Effect.CAPTURE),
        ),
        "is released when it is not charged": (
            ZERO if rental.state in CHARGED | UNDECIDED else rental.price,
            moved(Effect.RELEASE),
        ),
    }
    for law, (expected, found) in settled.items():
        if expected != found:
            yield _violation(books, f"a rental {law}", rental.id, expected, found)
    if rental.messages and rental.state not in CHARGED:
        yield _violation(books, "a code received is paid", rental.id, State.RECEIVED, rental.state)
    if rental.state in SHOWN and rental.activation_id is None:
        yield _violation(books, "a shown rental has a number", rental.id, "a number", "none")


def _transfers_have_their_rental(books: Books) -> Iterator[Violation]:
    effects = sorted(set(EFFECTS.values()) - {Effect.NOTHING})
    possible = {transfer_id(rental, effect) for rental in books.rentals for effect in effects}
    for transfer in books.transfers:
        if transfer.id.startswith("rental:") and transfer.id not in possible:
            yield _violation(books, "a transfer has its rental", transfer.id, "a rental", "none")


def _transfers_go_their_way(books: Books) -> Iterator[Violation]:
    for transfer in books.transfers:
        kind, _, cause = transfer.id.partition(":")
        if kind == "rental":
            expected = RENTAL_WAYS.get(cause.rpartition(":")[2])
        else:
            expected = OPERATOR_WAYS.get(kind)
        if (transfer.debit, transfer.credit) != expected:
            yield _violation(
                books,
                "a transfer goes the way of its cause",
                transfer.id,
                "a known cause" if expected is None else " → ".join(expected),
                f"{transfer.debit} → {transfer.credit}",
            )


def _places_are_for_undecided(books: Books) -> Iterator[Violation]:
    if books.places is None:
        return
    undecided = {rental.id for rental in books.rentals if rental.state in UNDECIDED}
    law = "a rental has a place upstream while it is undecided"
    for rental_id in sorted(undecided.symmetric_difference(books.places)):
        answers = ("a place", "none") if rental_id in undecided else ("none", "a place")
        yield _violation(books, law, rental_id, *answers)


def _violation(books: Books, law: str, row: str, expected: object, found: object) -> Violation:
    return Violation(
        law=law,
        account_id=books.wallet.account_id,
        row=row,
        expected=str(expected),
        found=str(found),
    )
