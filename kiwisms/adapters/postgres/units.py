"""
Units of work: which begins when, and what becomes of those that meet.

Those of one account run one after another in this process. Those of other processes run at the
same time, and the last to leave conflicts; for a while the account's next ones here then wait for
the others instead.
"""

import asyncio
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager, suppress
from typing import Any, Final
from weakref import WeakValueDictionary

from kiwisms.adapters.postgres.connections import Connection, Connections
from kiwisms.adapters.postgres.known import Known
from kiwisms.adapters.postgres.refusals import refusals
from kiwisms.adapters.postgres.statements import reads as sql
from kiwisms.adapters.postgres.transaction import PostgresTransaction
from kiwisms.domain.errors import KiwismsError
from kiwisms.domain.ids import AccountId
from kiwisms.ports.transaction import Prefetch, TransactionConflict

CONTENDED_SECONDS: Final = 1.0
"""For how long after a conflict an account is locked before it is read."""


class UnitsOfWork:
    """Begins and ends the units of work of one process."""

    def __init__(self, connections: Connections) -> None:
        self._connections = connections
        self._locks: WeakValueDictionary[AccountId, asyncio.Lock] = WeakValueDictionary()
        self._contended: dict[AccountId, float] = {}
        # Of each account the transaction that wrote last here, as long as somebody may follow it.
        self._last: WeakValueDictionary[AccountId, PostgresTransaction] = WeakValueDictionary()

    @asynccontextmanager
    async def begin(
        self, account_id: AccountId, prefetch: Prefetch
    ) -> AsyncIterator[PostgresTransaction]:
        """Begin one; see `Store.transaction`."""
        async with (
            self._locks.setdefault(account_id, asyncio.Lock()),
            self._connections.one() as connection,
        ):
            last = self._last.pop(account_id, None)
            known = last.left if last is not None and last is prefetch.after else None
            if self._is_contended(account_id):
                unit = _after_others(connection, account_id, prefetch)
            else:
                unit = _beside_others(connection, account_id, prefetch, known)
            try:
                async with unit as tx:
                    yield tx
            except TransactionConflict:
                # A unit that did not look may well conflict, and looks the next time.
                if known is None:
                    self._note_contended(account_id)
                raise
            if not tx.is_empty:
                self._last[account_id] = tx

    def _is_contended(self, account_id: AccountId) -> bool:
        until = self._contended.get(account_id)
        return until is not None and asyncio.get_running_loop().time() < until

    def _note_contended(self, account_id: AccountId) -> None:
        now = asyncio.get_running_loop().time()
        still = {each: until for each, until in self._contended.items() if until > now}
        self._contended = still | {account_id: now + CONTENDED_SECONDS}


@asynccontextmanager
async def _beside_others(
    connection: Connection, account_id: AccountId, prefetch: Prefetch, known: Known | None
) -> AsyncIterator[PostgresTransaction]:
    """Let others write meanwhile: then this one conflicts with theirs."""
    tx = PostgresTransaction(
        connection, known or await Known.read(connection, account_id, prefetch)
    )
    yield tx
    if not tx.is_empty:
        await _to_its_end(tx.write())


@asynccontextmanager
async def _after_others(
    connection: Connection, account_id: AccountId, prefetch: Prefetch
) -> AsyncIterator[PostgresTransaction]:
    """Wait for those who write, and let nobody write before this one has."""
    try:
        with refusals("lock"):
            await connection.execute("BEGIN")
            await connection.execute(sql.LOCK, (account_id,))
        tx = PostgresTransaction(connection, await Known.read(connection, account_id, prefetch))
        yield tx
        await _to_its_end(_write_and_commit(tx, connection))
    except BaseException:
        with suppress(KiwismsError), refusals("rollback"):
            await connection.rollback()
        raise


async def _write_and_commit(tx: PostgresTransaction, connection: Connection) -> None:
    if not tx.is_empty:
        await tx.write()
    with refusals("commit"):
        await connection.execute("COMMIT")


async def _to_its_end(write: Coroutine[Any, Any, None]) -> None:
    """Await *write*; a caller that is cancelled hears of it only when the outcome is known."""
    task = asyncio.ensure_future(write)
    try:
        await asyncio.shield(task)
    except asyncio.CancelledError:
        # Whoever holds a lock on what is being written must not let go of it yet.
        while not task.done():
            with suppress(asyncio.CancelledError):
                await asyncio.wait([task])
        if not task.cancelled():
            task.exception()
        raise
