"""A store in Postgres."""

from contextlib import AbstractAsyncContextManager, AsyncExitStack
from datetime import datetime
from typing import Self

from kiwisms.adapters.postgres import encode, migrations
from kiwisms.adapters.postgres.batching import BatchedReads
from kiwisms.adapters.postgres.connections import Connections
from kiwisms.adapters.postgres.reads import Reads
from kiwisms.adapters.postgres.refusals import refusals
from kiwisms.adapters.postgres.statements import pruning, reads, saves, schema
from kiwisms.adapters.postgres.transaction import PostgresTransaction
from kiwisms.adapters.postgres.units import UnitsOfWork
from kiwisms.adapters.postgres.work_queue import WorkQueue
from kiwisms.adapters.sql_rows.columns import Row
from kiwisms.adapters.sql_rows.statements import RENTAL
from kiwisms.domain.account import Account, EmailTaken
from kiwisms.domain.ids import AccountId
from kiwisms.domain.push import PushedMessage
from kiwisms.domain.reconciliation import Reading
from kiwisms.domain.trail import TrailEntry
from kiwisms.ports.store import Pruned, SchemaMismatch, StoreUnavailable
from kiwisms.ports.transaction import NO_PREFETCH, Prefetch


class PostgresStore(Reads, WorkQueue):
    """
    A `Store` over a Postgres database, used as an async context manager.

    Any number of processes may use the same database. A transaction raises `TransactionConflict`
    when another process has committed first; the account's next transactions then use a lock.

    Args:
        url: The address in the form of libpq: ``postgresql://user:password@host/kiwisms``. With
            several hosts and ``target_session_attrs=read-write``, the writable one is used.
        pool: How many connections this process may open.
        prepare: Whether to prepare statements in the server. Turn it off for PgBouncer in
            transaction mode.

    Raises:
        ValidationRefused: *url* is not a valid address.
        StoreUnavailable: On entering, when the server is unreachable or refuses.
        SchemaMismatch: On entering, when a newer kiwisms has made the schema.
    """

    def __init__(self, url: str, *, pool: int = 10, prepare: bool = True) -> None:
        self.connections = self._reader = Connections(url, max_size=pool, prepare=prepare)
        self._units = UnitsOfWork(self.connections)
        self._rentals_by_key = BatchedReads(self.connections, one=RENTAL, many=reads.RENTALS_BY_KEY)

    async def __aenter__(self) -> Self:
        async with AsyncExitStack() as stack:
            await stack.enter_async_context(self.connections)
            version = await self.schema_version()
            if version > migrations.NEWEST:
                raise SchemaMismatch(found=version, known=migrations.NEWEST)
            self._opened = stack.pop_all()
        return self

    async def __aexit__(self, *_exception: object) -> None:
        await self._opened.aclose()

    async def migrate(self) -> None:
        """Create or upgrade the schema; safe to repeat, and to run from two processes at once."""
        connection = await self.connections.dedicated()
        async with connection:
            with refusals("migration"):
                await migrations.migrate(connection)

    def transaction(
        self, account_id: AccountId, prefetch: Prefetch = NO_PREFETCH
    ) -> AbstractAsyncContextManager[PostgresTransaction]:
        """Begin a unit of work; leaving commits durably, an exception rolls back."""
        return self._units.begin(account_id, prefetch)

    async def create_account(self, account: Account, entry: TrailEntry | None = None) -> None:
        """Add an account with an empty wallet and its trail *entry*; raises `EmailTaken`."""
        row: Row = (*encode.rows.account(account), account.id)
        writes = [saves.ADD_WALLET]
        if entry is not None:
            write = encode.write_of(entry)
            writes, row = [*writes, write.statement], (*row, *write.row)
        if not await self.connections.write(saves.together(saves.ADD_ACCOUNT, tuple(writes)), row):
            raise EmailTaken(account.email)

    async def add_push(self, pushed: PushedMessage) -> bool:
        """Store a pushed message durably; return whether it is the first with its id."""
        return bool(await self.connections.write(saves.ADD_PUSH, encode.rows.pushed(pushed)))

    async def add_reading(self, reading: Reading) -> None:
        """Store a reading."""
        await self.connections.write(saves.ADD_READING, encode.rows.reading(reading))

    async def prune_pushes(self, *, before: datetime, limit: int) -> int:
        """Remove pushed messages that arrived before *before* and are no longer needed."""
        old = {"before": before, "limit": limit}
        return len(await self.connections.write(pruning.PRUNE_PUSHES, old))

    async def prune(self, account_id: AccountId, *, before: datetime, limit: int) -> Pruned:
        """Remove an account's records that ended before *before*."""
        old = {"account_id": account_id, "before": before, "limit": limit}
        return Pruned(
            keys=len(await self.connections.write(pruning.PRUNE_KEYS, old)),
            deliveries=len(await self.connections.write(pruning.PRUNE_DELIVERIES, old)),
            incidents=len(await self.connections.write(pruning.PRUNE_INCIDENTS, old)),
            entries=len(await self.connections.write(pruning.PRUNE_TRAIL, old)),
        )

    async def schema_version(self) -> int:
        """The number of the last migration that the database has; 0 when it has none."""
        async with self.connections.connection() as connection:
            with refusals("read"):
                return await migrations.schema_version(connection)

    async def check(self) -> None:
        """Raise `StoreUnavailable` or `SchemaMismatch` unless the store can be read and written."""
        version = await self.schema_version()
        if version < migrations.NEWEST:
            raise SchemaMismatch(found=version, known=migrations.NEWEST)
        if await self.connections.read_one(schema.READ_ONLY):
            raise StoreUnavailable(
                "the store can only be read: it is a standby, or set to read-only"
            )
