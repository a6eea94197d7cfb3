"""The laws of the ledger: wallet, transfers and rentals agree about the money."""

from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Final

from kiwisms.domain.billing import EFFECTS
from kiwisms.domain.books import Books, Violation, violation
from kiwisms.domain.causes import Effect, OperatorMove, cause_of, is_of_rental, transfer_id
from kiwisms.domain.ids import TransferId
from kiwisms.domain.ledger import LedgerAccount, sum_of
from kiwisms.domain.money import ZERO, Money
from kiwisms.domain.rental import Rental
from kiwisms.domain.rental_state import SHOWN, UNDECIDED, State

CHARGED: Final = frozenset({State.RECEIVED, State.COMPLETED})
"""States in which the price is revenue; in every other decided state it was released."""

DIRECTIONS: Final[Mapping[Effect | OperatorMove, tuple[LedgerAccount, LedgerAccount]]] = (
    MappingProxyType(
        {
            OperatorMove.CREDIT: (LedgerAccount.FUNDING, LedgerAccount.AVAILABLE),
            OperatorMove.DEBIT: (LedgerAccount.AVAILABLE, LedgerAccount.FUNDING),
            Effect.HOLD: (LedgerAccount.AVAILABLE, LedgerAccount.HELD),
            Effect.CORRECT: (LedgerAccount.HELD, LedgerAccount.AVAILABLE),
            Effect.RELEASE: (LedgerAccount.HELD, LedgerAccount.AVAILABLE),
            Effect.CAPTURE: (LedgerAccount.HELD, LedgerAccount.REVENUE),
        }
    )
)
"""The account that each cause debits, and the one that it credits."""


def numbers_have_no_gap(books: Books) -> Iterator[Violation]:
    """Transfers are numbered without a gap, and the wallet counts them all."""
    for expected, transfer in enumerate(books.transfers, start=1):
        if transfer.number != expected:
            yield violation(
                books,
                "transfers are numbered without a gap",
                transfer.id,
                expected,
                transfer.number,
            )
            return
    if books.wallet.transfers != len(books.transfers):
        yield violation(
            books,
            "the wallet counts its transfers",
            "wallet",
            len(books.transfers),
            books.wallet.transfers,
        )


def wallet_is_the_sum(books: Books) -> Iterator[Violation]:
    """The wallet's amounts are the sums of its transfers."""
    sums = {
        LedgerAccount.AVAILABLE: books.wallet.available,
        LedgerAccount.HELD: books.wallet.held,
    }
    for account, found in sums.items():
        expected = sum_of(books.transfers, account)
        if expected != found:
            yield violation(
                books, f"{account.lower()} is the sum of its transfers", "wallet", expected, found
            )


def never_negative(books: Books) -> Iterator[Violation]:
    """No transfer makes the available or the held amount negative."""
    running = {LedgerAccount.AVAILABLE: ZERO, LedgerAccount.HELD: ZERO}
    for transfer in books.transfers:
        for account, sign in ((transfer.credit, 1), (transfer.debit, -1)):
            if account in running:
                running[account] += Money(sign * transfer.amount.micros)
        for account, amount in running.items():
            if amount < ZERO:
                yield violation(
                    books, f"{account.lower()} is never negative", transfer.id, "≥ 0.00", amount
                )
                return


def held_matches_undecided_rentals(books: Books) -> Iterator[Violation]:
    """The held amount is the sum of the undecided rentals' prices."""
    expected = sum((r.price for r in books.rentals if r.state in UNDECIDED), start=ZERO)
    if expected != books.wallet.held:
        yield violation(
            books, "held is the sum of undecided rentals", "wallet", expected, books.wallet.held
        )


def rentals_are_settled(books: Books) -> Iterator[Violation]:
    """Each rental moved the money of its state, paid for its codes, and has a number if shown."""
    amounts = {transfer.id: transfer.amount for transfer in books.transfers}
    for rental in books.rentals:
        yield from _rental_is_settled(books, amounts, rental)


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
            yield violation(books, f"a rental {law}", rental.id, expected, found)
    if rental.messages and rental.state not in CHARGED:
        yield violation(
            books, "a received code is paid for", rental.id, State.RECEIVED, rental.state
        )
    if rental.state in SHOWN and rental.activation_id is None:
        yield violation(books, "a shown rental has a number", rental.id, "a number", "none")


def transfers_have_their_rental(books: Books) -> Iterator[Violation]:
    """A transfer that a rental caused names a rental that exists."""
    effects = sorted(set(EFFECTS.values()) - {Effect.NOTHING})
    possible = {transfer_id(rental, effect) for rental in books.rentals for effect in effects}
    for transfer in books.transfers:
        if is_of_rental(transfer.id) and transfer.id not in possible:
            yield violation(books, "a transfer has its rental", transfer.id, "a rental", "none")


def transfers_match_their_cause(books: Books) -> Iterator[Violation]:
    """A transfer debits and credits the accounts of its cause."""
    for transfer in books.transfers:
        cause = cause_of(transfer.id)
        expected = None if cause is None else DIRECTIONS.get(cause)
        if (transfer.debit, transfer.credit) != expected:
            yield violation(
                books,
                "a transfer moves money as its cause does",
                transfer.id,
                "a known cause" if expected is None else " → ".join(expected),
                f"{transfer.debit} → {transfer.credit}",
            )
