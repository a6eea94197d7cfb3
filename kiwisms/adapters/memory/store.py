"""A store in this process's memory."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Collection, Mapping
from contextlib import asynccontextmanager
from datetime import datetime
from weakref import WeakValueDictionary

from kiwisms.adapters.memory.account_reads import AccountReads
from kiwisms.adapters.memory.cross_account_reads import CrossAccountReads
from kiwisms.adapters.memory.records import Records
from kiwisms.adapters.memory.transaction import MemoryTransaction
from kiwisms.adapters.memory.work_queue import WorkQueue
from kiwisms.domain.account import Account, AccountNotFound, EmailTaken
from kiwisms.domain.catalog import ServiceUnavailable
from kiwisms.domain.ids import AccountId, ActivationId
from kiwisms.domain.push import PushedMessage
from kiwisms.domain.reconciliation import Reading
from kiwisms.domain.rental_state import OPEN
from kiwisms.domain.trail import TrailEntry
from kiwisms.domain.wallet import Wallet
from kiwisms.ports.store import Pruned, StoreUnavailable
from kiwisms.ports.transaction import NO_PLACE, NO_PREFETCH, NumberTaken, Prefetch


class MemoryStore(WorkQueue, AccountReads, CrossAccountReads):
    """
    A `Store` for fast tests, without a disk.

    Times must have a zone, as everywhere. No other process can use it, so no transaction conflicts.
    """

    def __init__(self) -> None:
        super().__init__()
        self._locks: WeakValueDictionary[AccountId, asyncio.Lock] = WeakValueDictionary()

    @asynccontextmanager
    async def transaction(
        self, account_id: AccountId, _prefetch: Prefetch = NO_PREFETCH
    ) -> AsyncIterator[MemoryTransaction]:
        """Lock an account; leaving commits, an exception rolls back."""
        async with self._lock(account_id):
            if account_id not in self._records:
                raise AccountNotFound(account_id)
            tx = MemoryTransaction(self._records[account_id])
            yield tx
            if tx.changes:
                # On a real store other tasks run during a commit, so they do here too.
                await asyncio.sleep(0)
                self._write(account_id, tx)

    async def create_account(self, account: Account, entry: TrailEntry | None = None) -> None:
        """Add an account with an empty wallet and its trail *entry*; raises `EmailTaken`."""
        if any(account.email == each.account.email for each in self._records.values()):
            raise EmailTaken(account.email)
        if account.id in self._records:
            raise StoreUnavailable(
                f"the store refused the write: account {account.id} already exists"
            )
        records = Records(account=account, wallet=Wallet(account_id=account.id))
        if entry is not None:
            records.put(entry)
        self._records[account.id] = records

    async def add_push(self, pushed: PushedMessage) -> bool:
        """Store a pushed message; return whether it is the first with its id."""
        is_first = pushed.id not in self._pushes
        self._pushes.setdefault(pushed.id, pushed)
        return is_first

    async def add_reading(self, reading: Reading) -> None:
        """Store a reading."""
        self._readings.append(reading)

    async def prune_pushes(self, *, before: datetime, limit: int) -> int:
        """Remove pushed messages that arrived before *before* and are no longer needed."""
        rentals, incidents = list(self._all_rentals()), list(self._all_incidents())
        known = {rental.activation_id for rental in rentals}
        known |= {incident.activation_id for incident in incidents}
        used = {rental.activation_id for rental in rentals if rental.state in OPEN}
        used |= {incident.activation_id for incident in incidents if incident.is_open}
        gone = [
            each.id
            for each in self._pushes.values()
            if each.arrived_at < before and each.activation_id in known - used
        ][:limit]
        for message_id in gone:
            del self._pushes[message_id]
        return len(gone)

    async def prune(self, account_id: AccountId, *, before: datetime, limit: int) -> Pruned:
        """Remove an account's records that ended before *before*."""
        pushed_for = {each.activation_id for each in self._pushes.values()}
        return self._records[account_id].prune(before, limit, pushed_for)

    async def schema_version(self) -> int:
        """Return 0: there is no schema."""
        return 0

    async def check(self) -> None:
        """Do nothing: memory can always be used."""

    def _lock(self, account_id: AccountId) -> asyncio.Lock:
        return self._locks.setdefault(account_id, asyncio.Lock())

    def _write(self, account_id: AccountId, tx: MemoryTransaction) -> None:
        draft = self._records[account_id].draft()
        for change in tx.changes:
            change(draft)
        if tx.most_waiting is not None:
            all_records = self._records | {account_id: draft}
            if sum(own.waiting_upstream() for own in all_records.values()) > tx.most_waiting:
                raise ServiceUnavailable(NO_PLACE)
        if tx.numbers:
            self._must_be_unique(tx.numbers, self._records | {account_id: draft})
        self._records[account_id] = draft

    def _must_be_unique(
        self, numbers: Collection[ActivationId], all_records: Mapping[AccountId, Records]
    ) -> None:
        rentals = (rental for own in all_records.values() for rental in own.rentals.values())
        having = Counter(each.activation_id for each in rentals if each.state in OPEN)
        if any(having[number] > 1 for number in numbers):
            raise NumberTaken("another rental has the number")
