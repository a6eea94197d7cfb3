"""A customer's wallet: what is available, what is held, and the five ways money moves in it."""

from datetime import datetime
from typing import Self

from attrs import evolve, field, frozen

from kiwisms.domain.errors import KiwismsError
from kiwisms.domain.ids import AccountId, TransferId
from kiwisms.domain.ledger import LedgerAccount, Transfer
from kiwisms.domain.money import ZERO, Money


class InsufficientBalance(KiwismsError):
    """The available money does not cover the amount."""

    code = "INSUFFICIENT_BALANCE"

    def __init__(self, *, amount: Money, available: Money) -> None:
        super().__init__("Insufficient balance")
        self.amount, self.available = amount, available


@frozen(kw_only=True)
class Cause:
    """Why money moves: the transfer's id, a sentence for the statement, and when."""

    id: TransferId
    reason: str
    at: datetime


@frozen(kw_only=True)
class Wallet:
    """
    The running sums of a customer's transfers.

    Each of the five moves returns the new wallet and the transfer that made it; neither amount
    can go below zero. *transfers* counts how many there have been.
    """

    account_id: AccountId
    available: Money = field(default=ZERO)
    held: Money = field(default=ZERO)
    transfers: int = 0

    def __attrs_post_init__(self) -> None:
        if self.available < ZERO or self.held < ZERO:
            raise ValueError(f"wallet {self.account_id}: {self.available} and {self.held} held")

    def fund(self, amount: Money, cause: Cause) -> tuple[Self, Transfer]:
        """Add money from outside."""
        amount.must_be_payable()
        return self._move(LedgerAccount.FUNDING, LedgerAccount.AVAILABLE, amount, cause)

    def withdraw(self, amount: Money, cause: Cause) -> tuple[Self, Transfer]:
        """Pay money out; raises `InsufficientBalance` when less is available."""
        amount.must_be_payable()
        self._must_cover(amount)
        return self._move(LedgerAccount.AVAILABLE, LedgerAccount.FUNDING, amount, cause)

    def hold(self, amount: Money, cause: Cause) -> tuple[Self, Transfer]:
        """Set money aside; raises `InsufficientBalance` when less is available."""
        self._must_cover(amount)
        return self._move(LedgerAccount.AVAILABLE, LedgerAccount.HELD, amount, cause)

    def release(self, amount: Money, cause: Cause) -> tuple[Self, Transfer]:
        """Give held money back to the customer."""
        return self._move(LedgerAccount.HELD, LedgerAccount.AVAILABLE, amount, cause)

    def capture(self, amount: Money, cause: Cause) -> tuple[Self, Transfer]:
        """Turn held money into revenue."""
        return self._move(LedgerAccount.HELD, LedgerAccount.REVENUE, amount, cause)

    def _must_cover(self, amount: Money) -> None:
        if amount > self.available:
            raise InsufficientBalance(amount=amount, available=self.available)

    def _move(
        self, debit: LedgerAccount, credit: LedgerAccount, amount: Money, cause: Cause
    ) -> tuple[Self, Transfer]:
        transfer = Transfer(
            id=cause.id,
            account_id=self.account_id,
            number=self.transfers + 1,
            debit=debit,
            credit=credit,
            amount=amount,
            reason=cause.reason,
            at=cause.at,
        )
        return self.apply(transfer), transfer

    def apply(self, transfer: Transfer) -> Self:
        """Apply a transfer; a wallet is the sum of its transfers in their order."""
        change = {LedgerAccount.AVAILABLE: ZERO, LedgerAccount.HELD: ZERO}
        if transfer.debit in change:
            change[transfer.debit] -= transfer.amount
        if transfer.credit in change:
            change[transfer.credit] += transfer.amount
        return evolve(
            self,
            available=self.available + change[LedgerAccount.AVAILABLE],
            held=self.held + change[LedgerAccount.HELD],
            transfers=transfer.number,
        )
