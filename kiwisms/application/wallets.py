"""Money that the operator moves, and what the customer can see of it."""

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Final

from attrs import evolve, frozen

from kiwisms.application.lists import of_account
from kiwisms.application.outbox import Outbox
from kiwisms.application.retry import retry_on_conflict
from kiwisms.application.trail import Trail
from kiwisms.domain.account import AccountNotFound
from kiwisms.domain.audit import audit
from kiwisms.domain.billing import Move
from kiwisms.domain.books import Violation
from kiwisms.domain.causes import OperatorMove, operator_cause
from kiwisms.domain.ids import AccountId
from kiwisms.domain.ledger import ReferenceReused, Transfer
from kiwisms.domain.money import Amount, Money
from kiwisms.domain.trail import Action
from kiwisms.domain.wallet import Wallet
from kiwisms.ports.clock import Clock
from kiwisms.ports.ids import Ids
from kiwisms.ports.store import Store

MOVES: Final[Mapping[OperatorMove, tuple[Move, Action]]] = MappingProxyType(
    {
        OperatorMove.CREDIT: (Wallet.fund, Action.WALLET_CREDITED),
        OperatorMove.DEBIT: (Wallet.withdraw, Action.WALLET_DEBITED),
    }
)
"""What each of the operator's moves does to a wallet, and its action in the trail."""


@frozen(kw_only=True)
class StatementLine:
    """One transfer, and what was available and held after it."""

    transfer: Transfer
    available: Money
    held: Money


@frozen(kw_only=True)
class Audit:
    """What `Wallets.audit` found over all accounts."""

    accounts: int
    transfers: int
    violations: Sequence[Violation]

    @property
    def balanced(self) -> bool:
        """Whether every law holds."""
        return not self.violations


@frozen(kw_only=True, eq=False)
class Wallets:
    """The use cases about money that are not about a rental."""

    store: Store
    outbox: Outbox
    clock: Clock
    ids: Ids
    trail: Trail

    async def credit(
        self, account_id: AccountId, amount: Amount, *, reason: str, reference: str | None = None
    ) -> Wallet:
        """
        Put money into a wallet.

        Args:
            account_id: The account of the wallet.
            amount: Dollars, in whole cents.
            reason: A sentence for the statement, of 1 to 500 printable characters.
            reference: The operator's name for this payment. A payment with the same reference is
                applied only once.

        Raises:
            AccountNotFound: There is no such account.
            ValidationRefused: The amount, the reason or the reference cannot be used.
            ReferenceReused: The reference was applied to another amount.
        """
        return await self._move(
            OperatorMove.CREDIT, account_id, amount=amount, reason=reason, reference=reference
        )

    async def debit(
        self, account_id: AccountId, amount: Amount, *, reason: str, reference: str | None = None
    ) -> Wallet:
        """Take available money out; like `credit`, but may raise `InsufficientBalance`."""
        return await self._move(
            OperatorMove.DEBIT, account_id, amount=amount, reason=reason, reference=reference
        )

    async def balance(self, account_id: AccountId) -> Wallet:
        """Read a wallet; raises `AccountNotFound`."""
        wallet = await self.store.wallet(account_id)
        if wallet is None:
            raise AccountNotFound(account_id)
        return wallet

    async def statement(self, account_id: AccountId) -> list[StatementLine]:
        """Every transfer in order, with the sums after it; raises `AccountNotFound`."""
        wallet = Wallet(account_id=account_id)
        lines = []
        transfers = await self.store.transfers(account_id)
        for transfer in await of_account(self.store, account_id, transfers):
            wallet = wallet.apply(transfer)
            line = StatementLine(transfer=transfer, available=wallet.available, held=wallet.held)
            lines.append(line)
        return lines

    async def audit(self) -> Audit:
        """Prove the books of every account."""
        found = Audit(accounts=0, transfers=0, violations=())
        async for books in self.store.books():
            found = evolve(
                found,
                accounts=found.accounts + 1,
                transfers=found.transfers + len(books.transfers),
                violations=(*found.violations, *audit(books)),
            )
        return found

    @retry_on_conflict
    async def _move(
        self,
        move: OperatorMove,
        account_id: AccountId,
        *,
        amount: Amount,
        reason: str,
        reference: str | None,
    ) -> Wallet:
        money = Money.parse(amount)
        if reference is None:
            reference = self.ids.new()
        cause = operator_cause(move, reference, reason=reason, at=self.clock.now())
        async with self.store.transaction(account_id) as tx:
            wallet, earlier = await tx.wallet(), await tx.transfer(cause.id)
            if earlier is not None:
                if earlier.amount != money:
                    raise ReferenceReused(reference, earlier.amount)
                return wallet
            act, action = MOVES[move]
            moved, transfer = act(wallet, money, cause)
            entry = self.trail.entry(account_id, action, transfer.id, f"{money}: {reason}")
            tx.save(moved, transfer, entry)
            await self.outbox.wallet_moved(tx, wallet, moved)
        return moved
