"""The ledger: transfers between the ledger accounts of a customer."""

from collections.abc import Iterable
from datetime import datetime
from enum import StrEnum

from attrs import field, frozen

from kiwisms.domain.errors import KiwismsError
from kiwisms.domain.ids import AccountId, TransferId
from kiwisms.domain.money import ZERO, Money


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


def sum_of(transfers: Iterable[Transfer], account: LedgerAccount) -> Money:
    """Add up what *transfers* leave in one ledger account."""
    total = ZERO
    for transfer in transfers:
        if transfer.credit is account:
            total += transfer.amount
        elif transfer.debit is account:
            total -= transfer.amount
    return total
