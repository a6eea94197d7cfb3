"""
Units of work: when each begins, and what happens to concurrent ones.

In one process, the units of an account run one after another. Across processes the locking is
optimistic: units run at the same time, and the last to commit has a conflict. After a conflict this
process uses pessimistic locking for a while: the account's units lock it first.
"""

import asyncio
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager, suppress
from typing import Any, Final
from weakref import WeakValueDictionary

from kiwisms.adapters.postgres.account_snapshot import AccountSnapshot
from kiwisms.adapters.postgres.connections import Connection, Connections
from kiwisms.adapters.postgres.refusals import refusals
from kiwisms.adapters.postgres.statements import reads as sql
from kiwisms.adapters.postgres.transaction import PostgresTransaction
from kiwisms.domain.errors import KiwismsError
from kiwisms.domain.ids import AccountId
from kiwisms.ports.transaction import Prefetch, TransactionConflict

CONTENDED_SECONDS: Final = 1.0
"""How long after a conflict the account's units lock it first."""


class UnitsOfWork:
    """Begins and ends the units of work of one process."""

    def __init__(self, connections: Connections) -> None:
        self._connections = connections
        self._locks: WeakValueDictionary[AccountId, asyncio.Lock] = WeakValueDictionary()
        self._contended: dict[AccountId, float] = {}
        # The last transaction of each account, for as long as a caller can continue from it.
        self._last: WeakValueDictionary[AccountId, PostgresTransaction] = WeakValueDictionary()

    @asynccontextmanager
    async def begin(
        self, account_id: AccountId, prefetch: Prefetch
    ) -> AsyncIterator[PostgresTransaction]:
        """Begin a unit of work; see `Store.transaction`."""
        async with (
            self._locks.setdefault(account_id, asyncio.Lock()),
            self._connections.connection() as connection,
        ):
            last = self._last.pop(account_id, None)
            snapshot = last.snapshot_after if last is not None and last is prefetch.after else None
            if self._is_contended(account_id):
                unit = _pessimistic(connection, account_id, prefetch)
            else:
                unit = _optimistic(connection, account_id, prefetch, snapshot)
            try:
                async with unit as tx:
                    yield tx
            except TransactionConflict:
                # A unit with an old snapshot may well conflict; its retry reads the account.
                if snapshot is None:
                    self._mark_contended(account_id)
                raise
            if not tx.is_empty:
                self._last[account_id] = tx

    def _is_contended(self, account_id: AccountId) -> bool:
        until = self._contended.get(account_id)
        return until is not None and asyncio.get_running_loop().time() < until

    def _mark_contended(self, account_id: AccountId) -> None:
        now = asyncio.get_running_loop().time()
        still = {each: until for each, until in self._contended.items() if until > now}
        self._contended = still | {account_id: now + CONTENDED_SECONDS}


@asynccontextmanager
async def _optimistic(
    connection: Connection,
    account_id: AccountId,
    prefetch: Prefetch,
    snapshot: AccountSnapshot | None,
) -> AsyncIterator[PostgresTransaction]:
    """Take no lock: if another process writes meanwhile, this unit has a conflict."""
    tx = PostgresTransaction(
        connection, snapshot or await AccountSnapshot.read(connection, account_id, prefetch)
    )
    yield tx
    if not tx.is_empty:
        await _uninterrupted(tx.write())


@asynccontextmanager
async def _pessimistic(
    connection: Connection, account_id: AccountId, prefetch: Prefetch
) -> AsyncIterator[PostgresTransaction]:
    """Lock the account first, so that no other process can write before this unit."""
    try:
        with refusals("lock"):
            await connection.execute("BEGIN")
            await connection.execute(sql.LOCK, (account_id,))
        tx = PostgresTransaction(
            connection, await AccountSnapshot.read(connection, account_id, prefetch)
        )
        yield tx
        await _uninterrupted(_write_and_commit(tx, connection))
    except BaseException:
        with suppress(KiwismsError), refusals("rollback"):
            await connection.rollback()
        raise


async def _write_and_commit(tx: PostgresTransaction, connection: Connection) -> None:
    if not tx.is_empty:
        await tx.write()
    with refusals("commit"):
        await connection.execute("COMMIT")


async def _uninterrupted(write: Coroutine[Any, Any, None]) -> None:
    """Await *write*; a cancelled caller is interrupted only after the outcome is known."""
    task = asyncio.ensure_future(write)
    try:
        await asyncio.shield(task)
    except asyncio.CancelledError:
        # The caller must not release its lock while the write is in progress.
        while not task.done():
            with suppress(asyncio.CancelledError):
                await asyncio.wait([task])
        if not task.cancelled():
            task.exception()
        raise
