"""A store in one SQLite file."""

import asyncio
import os
import sqlite3
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, closing, suppress
from datetime import datetime
from pathlib import Path
from typing import Self
from weakref import WeakValueDictionary

from kiwisms.adapters.sqlite import encode
from kiwisms.adapters.sqlite.columns import from_moment
from kiwisms.adapters.sqlite.migrations import NEWEST, migrate
from kiwisms.adapters.sqlite.reader import Reader
from kiwisms.adapters.sqlite.reads import Reads
from kiwisms.adapters.sqlite.statements import pruning, reads, saves
from kiwisms.adapters.sqlite.transaction import SqliteTransaction
from kiwisms.adapters.sqlite.work_queue import WorkQueue
from kiwisms.adapters.sqlite.writer import Writer
from kiwisms.domain.account import Account, EmailTaken
from kiwisms.domain.ids import AccountId
from kiwisms.domain.push import PushedMessage
from kiwisms.domain.reconciliation import Reading
from kiwisms.domain.trail import TrailEntry
from kiwisms.ports.store import Pruned, SchemaMismatch, StoreUnavailable
from kiwisms.ports.transaction import NO_PREFETCH, Prefetch


class SqliteStore(Reads, WorkQueue):
    """
    A `Store` over a file, used as an async context manager.

    Other processes on the same machine may use the same file at the same time. A transaction raises
    `TransactionConflict` when another process has committed first.

    Args:
        path: The file, which is created when it does not exist. Its folder must exist.

    Raises:
        StoreUnavailable: On entering, when the file cannot be opened.
        SchemaMismatch: On entering, when a newer kiwisms has made the schema.
    """

    def __init__(self, path: Path) -> None:
        # SQLite takes a name such as :memory: for no file.
        self._path = path.absolute()
        self._locks: WeakValueDictionary[AccountId, asyncio.Lock] = WeakValueDictionary()

    async def __aenter__(self) -> Self:
        async with AsyncExitStack() as stack:
            try:
                _make_private(self._path)
                self._writer = await stack.enter_async_context(Writer(self._path))
                self._reader = stack.enter_context(closing(Reader(self._path)))
            except (OSError, sqlite3.Error) as why:
                raise StoreUnavailable(f"{self._path} cannot be opened: {why}") from why
            version = await self.schema_version()
            if version > NEWEST:
                raise SchemaMismatch(found=version, known=NEWEST)
            self._opened = stack.pop_all()
        return self

    async def __aexit__(self, *_exception: object) -> None:
        await self._opened.aclose()

    async def migrate(self) -> None:
        """Create or upgrade the schema; safe to repeat, and to run from two processes at once."""
        await self._writer.write(migrate)

    @asynccontextmanager
    async def transaction(
        self, account_id: AccountId, _prefetch: Prefetch = NO_PREFETCH
    ) -> AsyncIterator[SqliteTransaction]:
        """Lock an account; leaving commits durably, an exception rolls back."""
        async with self._locks.setdefault(account_id, asyncio.Lock()):
            tx = SqliteTransaction(self._reader, account_id)
            yield tx
            if not tx.is_empty:
                await self._writer.write(tx.write)

    async def create_account(self, account: Account, entry: TrailEntry | None = None) -> None:
        """Add an account with an empty wallet and its trail *entry*; raises `EmailTaken`."""

        def add(connection: sqlite3.Connection) -> None:
            if not connection.execute(saves.ADD_ACCOUNT, encode.account(account)).rowcount:
                raise EmailTaken(account.email)
            connection.execute(saves.ADD_WALLET, (account.id,))
            if entry is not None:
                connection.execute(*encode.write_of(entry))

        await self._writer.write(add)

    async def add_push(self, pushed: PushedMessage) -> bool:
        """Store a pushed message durably; return whether it is the first with its id."""
        return await self._writer.write(
            lambda connection: (
                connection.execute(saves.ADD_PUSH, encode.rows.pushed(pushed)).rowcount == 1
            )
        )

    async def add_reading(self, reading: Reading) -> None:
        """Store a reading."""
        await self._writer.write(
            lambda connection: connection.execute(saves.ADD_READING, encode.rows.reading(reading))
        )

    async def prune_pushes(self, *, before: datetime, limit: int) -> int:
        """Remove pushed messages that arrived before *before* and are no longer needed."""
        old = {"before": from_moment(before), "limit": limit}
        return await self._writer.write(
            lambda connection: connection.execute(pruning.PRUNE_PUSHES, old).rowcount
        )

    async def prune(self, account_id: AccountId, *, before: datetime, limit: int) -> Pruned:
        """Remove an account's records that ended before *before*."""
        old = {"account_id": account_id, "before": from_moment(before), "limit": limit}

        def remove(connection: sqlite3.Connection) -> Pruned:
            return Pruned(
                keys=connection.execute(pruning.PRUNE_KEYS, old).rowcount,
                deliveries=connection.execute(pruning.PRUNE_DELIVERIES, old).rowcount,
                incidents=connection.execute(pruning.PRUNE_INCIDENTS, old).rowcount,
                entries=connection.execute(pruning.PRUNE_TRAIL, old).rowcount,
            )

        return await self._writer.write(remove)

    async def schema_version(self) -> int:
        """The number of the last migration that the file has; 0 when it has none."""
        row = self._reader.one(reads.SCHEMA_VERSION)
        return int(row[0]) if row else 0

    async def check(self) -> None:
        """Raise `StoreUnavailable` or `SchemaMismatch` unless the store can be read and written."""
        version = await self.schema_version()
        if version < NEWEST:
            raise SchemaMismatch(found=version, known=NEWEST)
        # A full or read-only disk shows, as does a lock that is never released.
        await self._writer.write(_write_version)


def _write_version(connection: sqlite3.Connection) -> None:
    """Write a page without changing anything: only that shows whether the disk takes it."""
    (version,) = connection.execute(reads.SCHEMA_VERSION).fetchone()
    connection.execute(f"PRAGMA user_version = {version}")


def _make_private(path: Path) -> None:
    """Create the file for its owner alone, as it has customers' codes; SQLite copies the mode."""
    with suppress(FileExistsError):
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
