"""Money that moves: transfers between ledger accounts, and the proof that the books agree."""

from collections.abc import Iterable
from datetime import datetime
from enum import StrEnum
from typing import Final

from attrs import field, frozen

from kiwisms.domain.errors import KiwismsError
from kiwisms.domain.ids import AccountId, TransferId
from kiwisms.domain.money import ZERO, Money
from kiwisms.domain.text import printable

LONGEST_REFERENCE: Final = 200


class LedgerAccount(StrEnum):
    """The places where a customer's money can be."""

    FUNDING = "FUNDING"
    """Outside: where top-ups come from and payouts go to."""
    AVAILABLE = "AVAILABLE"
    """The customer's, free to spend: the balance that is shown."""
    HELD = "HELD"
    """The customer's, set aside for rentals that are not decided."""
    REVENUE = "REVENUE"
    """The operator's: paid for codes received."""


class ReferenceReused(KiwismsError):
    """A reference was applied before, to another amount."""

    code = "REFERENCE_REUSED"

    def __init__(self, reference: str, amount: Money) -> None:
        super().__init__(f"reference {reference!r} was already applied, to {amount}")
        self.reference, self.amount = reference, amount


@frozen(kw_only=True)
class Transfer:
    """
    Money moved once between two ledger accounts of one customer.

    *number* counts the customer's transfers from 1 without a gap, so a lost row shows.
    """

    id: TransferId
    account_id: AccountId
    number: int
    debit: LedgerAccount
    credit: LedgerAccount
    amount: Money
    reason: str
    at: datetime = field()

    def __attrs_post_init__(self) -> None:
        if self.debit == self.credit:
            raise ValueError(f"transfer {self.id} moves nothing")
        if self.amount <= ZERO:
            raise ValueError(f"transfer {self.id} moves {self.amount}")


def operator_transfer_id(kind: str, reference: str) -> TransferId:
    """
    Name the transfer that an operator's *reference* causes.

    Raises:
        ValidationRefused: The reference has not 1 to 200 printable characters.
    """
    return TransferId(f"{kind}:{printable('reference', reference, longest=LONGEST_REFERENCE)}")


def sum_of(transfers: Iterable[Transfer], account: LedgerAccount) -> Money:
    """Add up what *transfers* leave in one ledger account."""
    total = ZERO
    for transfer in transfers:
        if transfer.credit is account:
            total += transfer.amount
        elif transfer.debit is account:
            total -= transfer.amount
    return total
