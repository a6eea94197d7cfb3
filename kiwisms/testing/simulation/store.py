"""The connection of one process to the disk, with its faults."""

import asyncio
from collections.abc import AsyncIterator, Collection, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Final

from attrs import frozen

from kiwisms.adapters.memory import MemoryStore
from kiwisms.adapters.memory.records import Records
from kiwisms.adapters.memory.transaction import MemoryTransaction
from kiwisms.domain.account import Account
from kiwisms.domain.api_key import ApiKey
from kiwisms.domain.delivery import Delivery
from kiwisms.domain.idempotency import IdempotencyRecord
from kiwisms.domain.ids import AccountId, ActivationId, IdempotencyKey, KeyPrefix, RentalId
from kiwisms.domain.incident import Incident
from kiwisms.domain.push import PushedMessage
from kiwisms.domain.rental import Rental
from kiwisms.domain.rental_state import State
from kiwisms.domain.trail import TrailEntry
from kiwisms.domain.wallet import Wallet
from kiwisms.domain.webhook import Webhook
from kiwisms.ports.store import StoreUnavailable
from kiwisms.ports.transaction import NO_PREFETCH, Prefetch, TransactionConflict
from kiwisms.testing.simulation.describe import changes
from kiwisms.testing.simulation.faults import Fault
from kiwisms.testing.simulation.marks import Mark
from kiwisms.testing.simulation.process import Process
from kiwisms.testing.simulation.world import World

SLOW: Final = 0.3
"""The share of slow commits on a disk that does not lock, so that conflicts happen."""


@frozen(kw_only=True)
class _Snapshot:
    """The records of an account right after a commit, unchanged by later claims."""

    by: MemoryTransaction
    records: Records
    version: int


class ProcessStore(MemoryStore):
    """
    A `Store` over the disk, which fails as real ones do.

    It may refuse. It may commit and report a failure. It may report a conflict, even with a commit
    from before the transaction began. The process may die before or after a commit. The contract of
    the port allows all of this.
    """

    def __init__(self, world: World, process: Process) -> None:
        super().__init__()
        self._world, self._process, self._disk = world, process, world.disk
        self._records, self._pushes = world.disk.records, world.disk.kept_pushes
        self._own_locks: dict[AccountId, asyncio.Lock] = {}
        self._snapshots: dict[AccountId, _Snapshot] = {}

    @asynccontextmanager
    async def transaction(
        self, account_id: AccountId, prefetch: Prefetch = NO_PREFETCH, /
    ) -> AsyncIterator[MemoryTransaction]:
        """Lock an account; leaving commits, an exception rolls back."""
        async with self._lock_of(account_id):
            await self._reach_disk()
            left = self._snapshots.pop(account_id, None)
            if left is not None and left.by is prefetch.after:
                self._world.reach(Mark.CONTINUED)
                tx, version = MemoryTransaction(left.records), left.version
            else:
                tx, version = self._disk.begin(account_id)
            yield tx
            if tx.changes:
                self._snapshots[account_id] = await self._commit(account_id, tx, version)

    async def create_account(self, account: Account, entry: TrailEntry | None = None) -> None:
        """Add an account and its trail *entry*."""
        await self._reach_disk()
        await super().create_account(account, entry)

    async def account(self, account_id: AccountId) -> Account | None:
        """Read one account."""
        self._must_answer()
        return await super().account(account_id)

    async def api_key(self, account_id: AccountId, prefix: KeyPrefix) -> ApiKey | None:
        """Read one API key."""
        self._must_answer()
        return await super().api_key(account_id, prefix)

    async def wallet(self, account_id: AccountId) -> Wallet | None:
        """Read an account's wallet."""
        self._must_answer()
        return await super().wallet(account_id)

    async def idempotency(
        self, account_id: AccountId, key: IdempotencyKey
    ) -> IdempotencyRecord | None:
        """Read the record of an idempotency key."""
        self._must_answer()
        return await super().idempotency(account_id, key)

    async def rental(self, account_id: AccountId, rental_id: RentalId) -> Rental | None:
        """Read one rental, in any state."""
        self._must_answer()
        return await super().rental(account_id, rental_id)

    async def active_rentals(self, account_id: AccountId, now: datetime) -> Sequence[Rental]:
        """An account's rentals that are active at *now*."""
        self._must_answer()
        return await super().active_rentals(account_id, now)

    async def webhook(self, account_id: AccountId, key_prefix: KeyPrefix | None) -> Webhook | None:
        """Read the address of exactly this key."""
        self._must_answer()
        return await super().webhook(account_id, key_prefix)

    async def claim_rental(
        self,
        account_id: AccountId,
        rental_id: RentalId,
        *,
        now: datetime,
        look_after: datetime,
        until: datetime,
    ) -> bool:
        """Claim one look upstream at a rental; return whether this caller got it."""
        await self._reach_disk()
        claimed = await super().claim_rental(
            account_id, rental_id, now=now, look_after=look_after, until=until
        )
        if claimed:
            self._disk.touch(account_id)
        await self._after_write()
        return claimed

    async def claim_due_rentals(
        self, *, now: datetime, look_after: datetime, until: datetime, limit: int
    ) -> Sequence[Rental]:
        """Claim rentals that are due."""
        await self._reach_disk()
        due = await super().claim_due_rentals(
            now=now, look_after=look_after, until=until, limit=limit
        )
        await self._after_claim(due)
        return due

    async def claim_due_deliveries(
        self,
        *,
        now: datetime,
        until: datetime,
        limit: int,
        per_account: int,
        busy: Collection[AccountId] = (),
    ) -> Sequence[Delivery]:
        """Claim deliveries that are due."""
        await self._reach_disk()
        due = await super().claim_due_deliveries(
            now=now, until=until, limit=limit, per_account=per_account, busy=busy
        )
        await self._after_claim(due)
        return due

    async def claim_due_incidents(
        self, *, now: datetime, until: datetime, limit: int
    ) -> Sequence[Incident]:
        """Claim incidents that are due."""
        await self._reach_disk()
        due = await super().claim_due_incidents(now=now, until=until, limit=limit)
        await self._after_claim(due)
        return due

    async def hasten_rental(
        self, account_id: AccountId, rental_id: RentalId, *, now: datetime
    ) -> bool:
        """Make a rental due now; return whether it is OPEN."""
        await self._reach_disk()
        hastened = await super().hasten_rental(account_id, rental_id, now=now)
        if hastened:
            self._world.reach(Mark.HASTENED)
            self._world.hastened[rental_id] += 1
            self._disk.touch(account_id)
        await self._after_write()
        return hastened

    async def add_push(self, pushed: PushedMessage) -> bool:
        """Store a pushed message; return whether it is the first with its id."""
        await self._reach_disk()
        is_first = await super().add_push(pushed)
        await self._after_write()
        return is_first

    async def pushes(self, activation_id: ActivationId) -> Sequence[PushedMessage]:
        """Every message that was pushed for a number."""
        await self._reach_disk()
        return await super().pushes(activation_id)

    async def unmatched_pushes(self, *, since: datetime, limit: int) -> Sequence[PushedMessage]:
        """The newest messages for numbers that no rental and no incident has."""
        await self._reach_disk()
        return await super().unmatched_pushes(since=since, limit=limit)

    async def find_rental_by_activation(self, activation_id: ActivationId) -> Rental | None:
        """Find a rental by upstream's id of its number."""
        await self._reach_disk()
        return await super().find_rental_by_activation(activation_id)

    async def rentals(
        self, *, account_id: AccountId | None, state: State | None, limit: int
    ) -> Sequence[Rental]:
        """The newest rentals."""
        await self._reach_disk()
        return await super().rentals(account_id=account_id, state=state, limit=limit)

    async def incidents(self, *, open_only: bool = False, limit: int) -> Sequence[Incident]:
        """The newest incidents."""
        await self._reach_disk()
        return await super().incidents(open_only=open_only, limit=limit)

    async def next_due(self) -> datetime | None:
        """When the next work is due."""
        self._must_answer()
        return self._disk.first_due

    async def _commit(
        self, account_id: AccountId, tx: MemoryTransaction, version: int
    ) -> _Snapshot:
        await self._reach_disk()
        if not self._disk.waits and self._world.chance.random() < SLOW:
            await self._process.network_delay()
            self._must_answer()
        if self._world.strikes(Fault.CONFLICT, self._process.name):
            raise TransactionConflict("another process wrote first")
        before = self._records[account_id]
        try:
            self._disk.commit(account_id, tx, version)
        except TransactionConflict:
            self._world.reach(Mark.CONFLICT)
            self._world.log(self._process.name, "another process wrote first")
            raise
        left = _Snapshot(by=tx, records=self._records[account_id].draft(), version=version + 1)
        if self._world.history is not None:
            what = changes(before, self._records[account_id])
            self._world.log(self._process.name, f"committed {what}")
        await self._after_write()
        return left

    async def _after_claim(self, work: Sequence[Rental | Delivery | Incident]) -> None:
        for account_id in dict.fromkeys(each.account_id for each in work):
            self._disk.touch(account_id)
        await self._after_write()

    async def _reach_disk(self) -> None:
        """Go to the disk, while other tasks run."""
        await self._process.yield_control()
        self._must_answer()

    def _must_answer(self) -> None:
        self._process.check_alive()
        if self._world.strikes(Fault.STORE_DOWN, self._process.name):
            raise StoreUnavailable("the store cannot be reached")

    async def _after_write(self) -> None:
        """Draw the faults that happen after a durable write, before it is acknowledged."""
        if self._world.strikes(Fault.CRASH, self._process.name):
            self._world.reach(Mark.CRASHED_AFTER_COMMIT)
            await self._process.die()
        if self._world.strikes(Fault.COMMIT_IN_DOUBT, self._process.name):
            self._world.reach(Mark.COMMIT_IN_DOUBT)
            raise StoreUnavailable("the connection broke during the commit")

    def _lock_of(self, account_id: AccountId) -> asyncio.Lock:
        if self._disk.waits:
            return self._disk.lock(account_id)
        return self._own_locks.setdefault(account_id, asyncio.Lock())
