"""
Reads by key in batches: concurrent reads are sent to the server as one statement.

Each statement costs the client some 50 µs, and each further row in it next to nothing.
"""

import asyncio
from collections.abc import Sequence
from typing import Final

from attrs import define, field

from kiwisms.adapters.postgres.connections import Connection, Connections, can_be_held
from kiwisms.adapters.sql_rows.columns import Row
from kiwisms.ports.store import StoreUnavailable

LONGEST_READ_SECONDS: Final = 5.0
"""The longest time of a read. A silently broken connection is noticed only much later."""

Key = tuple[str, ...]
PendingRead = tuple[Key, asyncio.Future[list[Row]]]
"""A key to read, and the future for its rows."""


@define(eq=False)
class BatchedReads:
    """
    One statement that many callers read by key.

    A batch never waits to fill up. A read is sent at once when no statement is in progress.
    Otherwise it goes with the next statement, on the same connection. So each caller sees
    everything that was committed before its call. A read that takes too long fails.

    Args:
        connections: The connections for the statements.
        one: The statement for one key; it takes the parts of the key.
        many: The statement for many keys; it takes an array for each part. Its rows begin with the
            number of their key, from 1.
    """

    _connections: Final[Connections]
    _one: Final[str] = field(kw_only=True)
    _many: Final[str] = field(kw_only=True)
    _waiting: list[PendingRead] = field(factory=list, init=False)
    _reading: asyncio.Task[None] | None = field(default=None, init=False)
    _stuck: set[asyncio.Task[None]] = field(factory=set, init=False)

    async def rows(self, *key: str) -> list[Row]:
        """Read the rows of *key*; raises `StoreUnavailable`."""
        # An impossible key would fail the whole batch.
        if not all(map(can_be_held, key)):
            return []
        answer: asyncio.Future[list[Row]] = asyncio.get_running_loop().create_future()
        self._waiting.append((key, answer))
        if self._reading is None:
            self._reading = asyncio.create_task(self._read_batches())
        return await answer

    async def _read_batches(self) -> None:
        """Send batches on one connection until no read waits, or a statement fails or hangs."""
        me = asyncio.current_task()
        try:
            async with self._connections.connection() as connection:
                while self._waiting and self._reading is me:
                    # Let other tasks add their reads: in a larger batch each costs less.
                    await asyncio.sleep(0)
                    asked, self._waiting = self._waiting, []
                    if not await self._answer(connection, asked):
                        break
        except StoreUnavailable as why:
            asked, self._waiting = self._waiting, []
            _fail(asked, why)
        if self._reading is me:
            self._read_next()

    async def _answer(self, connection: Connection, asked: Sequence[PendingRead]) -> bool:
        """Send one statement for all *asked* reads; return whether it succeeded."""
        late = asyncio.get_running_loop().call_later(LONGEST_READ_SECONDS, self._give_up, asked)
        try:
            found = await self._read(connection, [key for key, _ in asked])
        except Exception as why:  # noqa: BLE001 - every caller gets the error
            _fail(asked, why)
            return False
        finally:
            late.cancel()
        for (_, answer), rows in zip(asked, found, strict=True):
            if not answer.done():
                answer.set_result(rows)
        return True

    def _give_up(self, asked: Sequence[PendingRead]) -> None:
        """Abandon a statement whose connection may be dead, and send the waiting reads."""
        _fail(asked, StoreUnavailable("the store could not be read in time"))
        if self._reading is not None:
            self._stuck.add(self._reading)
            self._reading.add_done_callback(self._stuck.discard)
        self._read_next()

    def _read_next(self) -> None:
        self._reading = None
        if self._waiting:
            self._reading = asyncio.create_task(self._read_batches())

    async def _read(self, connection: Connection, keys: Sequence[Key]) -> list[list[Row]]:
        if len(keys) == 1:
            return [await connection.read_all(self._one, keys[0])]
        found: list[list[Row]] = [[] for _ in keys]
        arrays = tuple(map(list, zip(*keys, strict=True)))
        for row in await connection.read_all(self._many, arrays):
            found[row[0] - 1].append(row[1:])
        return found


def _fail(asked: Sequence[PendingRead], why: Exception) -> None:
    for _, answer in asked:
        if not answer.done():
            answer.set_exception(why)
