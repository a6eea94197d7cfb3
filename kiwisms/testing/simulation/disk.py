"""The disk: the records that all processes of one life share, and that outlive a crash."""

import asyncio
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from typing import Final, NamedTuple

from kiwisms.adapters.memory import MemoryStore
from kiwisms.adapters.memory.records import Records
from kiwisms.adapters.memory.transaction import MemoryTransaction
from kiwisms.domain.account import AccountNotFound
from kiwisms.domain.delivery import Delivery
from kiwisms.domain.ids import AccountId, MessageId
from kiwisms.domain.incident import Incident
from kiwisms.domain.push import PushedMessage
from kiwisms.domain.rental import Rental
from kiwisms.ports.transaction import TransactionConflict

NEVER: Final = datetime.max.replace(tzinfo=UTC)


class Dues(NamedTuple):
    """When the next work of each kind is due."""

    rentals: datetime
    deliveries: datetime
    incidents: datetime


class Disk(MemoryStore):
    """
    The one store of a life. It never fails: the faults are in each process's `ProcessStore`.

    Args:
        waits: Whether a transaction locks its account for all processes, as on Postgres. If not,
            each process locks for itself, and the second commit is a conflict, as on SQLite.
    """

    def __init__(self, *, waits: bool) -> None:
        super().__init__()
        self.waits = waits
        self.on_commit: Callable[[AccountId], None] = _ignore
        """Called after each commit."""
        self.dues = Dues(NEVER, NEVER, NEVER)
        """When the next work of each kind is due, over all accounts."""
        self.first_due: datetime | None = None
        """When the next work is due; None when no work is left."""
        self._versions: dict[AccountId, int] = {}
        self._dues: dict[AccountId, Dues] = {}
        self._shared_locks: dict[AccountId, asyncio.Lock] = {}

    @property
    def records(self) -> dict[AccountId, Records]:
        """The committed records."""
        return self._records

    @property
    def kept_pushes(self) -> dict[MessageId, PushedMessage]:
        """The pushed messages that were stored."""
        return self._pushes

    def has_number(self, activation_id: str) -> bool:
        """Whether a rental of any account has this number."""
        return any(rental.activation_id == activation_id for rental in self._all_rentals())

    def lock(self, account_id: AccountId) -> asyncio.Lock:
        """An account's lock, which all processes share."""
        return self._shared_locks.setdefault(account_id, asyncio.Lock())

    def begin(self, account_id: AccountId) -> tuple[MemoryTransaction, int]:
        """Begin a transaction: its records, and their version."""
        if account_id not in self._records:
            raise AccountNotFound(account_id)
        tx = MemoryTransaction(self._records[account_id])
        return tx, self._versions.get(account_id, 0)

    def commit(self, account_id: AccountId, tx: MemoryTransaction, version: int) -> None:
        """Write all changes at once; raises `TransactionConflict` when *version* is outdated."""
        if self._versions.get(account_id, 0) != version:
            raise TransactionConflict(f"another process wrote to account {account_id} first")
        self._write(account_id, tx)
        self._versions[account_id] = version + 1
        self.touch(account_id)

    def touch(self, account_id: AccountId) -> None:
        """Note that the records of an account have changed."""
        records = self._records[account_id]
        self._dues[account_id] = Dues(
            rentals=_next_due(records.rentals.values()),
            deliveries=_next_due(records.deliveries.values()),
            incidents=_next_due(records.incidents.values()),
        )
        self.dues = Dues(*map(min, zip(*self._dues.values(), strict=True)))
        first = min(self.dues)
        self.first_due = None if first is NEVER else first
        self.on_commit(account_id)


def _next_due(work: Iterable[Rental | Delivery | Incident]) -> datetime:
    next_due = NEVER
    for each in work:
        if each.due_at is not None and each.due_at < next_due:
            next_due = each.due_at
    return next_due


def _ignore(_account_id: AccountId) -> None:
    pass
