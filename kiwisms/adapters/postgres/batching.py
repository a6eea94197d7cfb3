"""
Reads by key in batches: those that come at once go to the server as one statement.

A statement costs the client some 50 µs however little it reads, and a row in it next to nothing.
"""

import asyncio
from collections.abc import Sequence
from typing import Final

from attrs import define, field

from kiwisms.adapters.postgres.connections import Connection, Connections, can_be_held
from kiwisms.adapters.sql_rows.columns import Row
from kiwisms.ports.store import StoreUnavailable

LONGEST_READ_SECONDS: Final = 5.0
"""How long a read may take. A connection that is dead without a word is noticed much later."""

Key = tuple[str, ...]
Asked = tuple[Key, asyncio.Future[list[Row]]]
"""What somebody wants read, and where the answer is awaited."""


@define(eq=False)
class BatchedReads:
    """
    One read that many ask for.

    Nobody waits for company: whoever asks while nothing is under way is read for at once, and
    whoever asks meanwhile goes with the next statement, on the same connection. So each sees all
    that was committed before it asked. Whoever waits too long is told so.

    Args:
        connections: Where the statements are sent.
        one: It takes the parts of a key.
        many: It takes an array for each part, and gives rows that begin with the number, from 1,
            of the key that they belong to.
    """

    _connections: Final[Connections]
    _one: Final[str] = field(kw_only=True)
    _many: Final[str] = field(kw_only=True)
    _waiting: list[Asked] = field(factory=list, init=False)
    _reading: asyncio.Task[None] | None = field(default=None, init=False)
    _stuck: set[asyncio.Task[None]] = field(factory=set, init=False)

    async def rows(self, *key: str) -> list[Row]:
        """Read the rows of *key*; raises `StoreUnavailable`."""
        # In one statement it would be refused with all others.
        if not all(map(can_be_held, key)):
            return []
        answer: asyncio.Future[list[Row]] = asyncio.get_running_loop().create_future()
        self._waiting.append((key, answer))
        if self._reading is None:
            self._reading = asyncio.create_task(self._read_for_all())
        return await answer

    async def _read_for_all(self) -> None:
        """Read on one connection until nobody waits, or a statement fails or hangs."""
        me = asyncio.current_task()
        try:
            async with self._connections.one() as connection:
                while self._waiting and self._reading is me:
                    # Others are about to ask: the longer the list, the less each costs.
                    await asyncio.sleep(0)
                    asked, self._waiting = self._waiting, []
                    if not await self._answer(connection, asked):
                        break
        except StoreUnavailable as why:
            asked, self._waiting = self._waiting, []
            _fail(asked, why)
        if self._reading is me:
            self._go_on()

    async def _answer(self, connection: Connection, asked: Sequence[Asked]) -> bool:
        """Send one statement for all who *asked*; tells whether it did well."""
        late = asyncio.get_running_loop().call_later(LONGEST_READ_SECONDS, self._give_up, asked)
        try:
            found = await self._read(connection, [key for key, _ in asked])
        except Exception as why:  # noqa: BLE001 - whatever it is, those who wait must hear of it
            _fail(asked, why)
            return False
        finally:
            late.cancel()
        for (_, answer), rows in zip(asked, found, strict=True):
            if not answer.done():
                answer.set_result(rows)
        return True

    def _give_up(self, asked: Sequence[Asked]) -> None:
        """Leave a statement to itself, whose connection may be dead, and read for the others."""
        _fail(asked, StoreUnavailable("the store could not be read in time"))
        if self._reading is not None:
            self._stuck.add(self._reading)
            self._reading.add_done_callback(self._stuck.discard)
        self._go_on()

    def _go_on(self) -> None:
        self._reading = None
        if self._waiting:
            self._reading = asyncio.create_task(self._read_for_all())

    async def _read(self, connection: Connection, keys: Sequence[Key]) -> list[list[Row]]:
        if len(keys) == 1:
            return [await connection.read_all(self._one, keys[0])]
        found: list[list[Row]] = [[] for _ in keys]
        arrays = tuple(map(list, zip(*keys, strict=True)))
        for row in await connection.read_all(self._many, arrays):
            found[row[0] - 1].append(row[1:])
        return found


def _fail(asked: Sequence[Asked], why: Exception) -> None:
    for _, answer in asked:
        if not answer.done():
            answer.set_exception(why)
