"""
Reads by key, of which those that come at once go to the server as one statement.

A statement costs the client some 50 µs however little it reads, and a row in it next to nothing.
"""

import asyncio
from collections.abc import Sequence
from typing import Final

from attrs import define, field, frozen

from kiwisms.adapters.postgres.connections import Connections, can_be_held
from kiwisms.adapters.sql_rows.columns import Row
from kiwisms.ports.store import StoreUnavailable

LONGEST_READ_SECONDS: Final = 5.0
"""How long a read may take. A connection that is dead without a word is noticed much later."""

Key = tuple[str, ...]


@frozen
class _Asked:
    """What somebody wants read, and where the answer is awaited."""

    key: Key
    answer: asyncio.Future[list[Row]]


@define(eq=False)
class GatheredReads:
    """
    One read that many ask for.

    Nobody waits for company: whoever asks while nothing is under way is read for at once, and
    whoever asks meanwhile goes with the next statement. So each sees all that was committed
    before it asked. Whoever waits too long is told so.

    Args:
        connections: Where the statements are sent.
        one: It takes the parts of a key.
        many: It takes an array for each part, and gives rows that begin with the number, from 1,
            of the key that they belong to.
    """

    _connections: Final[Connections]
    _one: Final[str] = field(kw_only=True)
    _many: Final[str] = field(kw_only=True)
    _waiting: list[_Asked] = field(factory=list, init=False)
    _reading: asyncio.Task[None] | None = field(default=None, init=False)
    _stuck: set[asyncio.Task[None]] = field(factory=set, init=False)

    async def rows(self, *key: str) -> list[Row]:
        """Read the rows of *key*; raises `StoreUnavailable`."""
        # In one statement it would be refused with all others.
        if not all(map(can_be_held, key)):
            return []
        asked = _Asked(key, asyncio.get_running_loop().create_future())
        self._waiting.append(asked)
        if self._reading is None:
            self._begin()
        return await asked.answer

    def _begin(self) -> None:
        waiting, self._waiting = self._waiting, []
        self._reading = asyncio.create_task(self._read_for(waiting))

    async def _read_for(self, asked: Sequence[_Asked]) -> None:
        loop = asyncio.get_running_loop()
        late = loop.call_later(LONGEST_READ_SECONDS, self._give_up, asked)
        try:
            found = await self._read([each.key for each in asked])
        # Whatever it is, those who wait must hear of it.
        except Exception as why:  # noqa: BLE001
            _fail(asked, why)
        else:
            for each, rows in zip(asked, found, strict=True):
                if not each.answer.done():
                    each.answer.set_result(rows)
        late.cancel()
        if self._reading is asyncio.current_task():
            self._go_on()

    def _give_up(self, asked: Sequence[_Asked]) -> None:
        """Leave a statement to itself, whose connection may be dead, and read for the others."""
        _fail(asked, StoreUnavailable("the store could not be read in time"))
        if self._reading is not None:
            self._stuck.add(self._reading)
            self._reading.add_done_callback(self._stuck.discard)
        self._go_on()

    def _go_on(self) -> None:
        self._reading = None
        if self._waiting:
            self._begin()

    async def _read(self, keys: Sequence[Key]) -> list[list[Row]]:
        if len(keys) == 1:
            return [await self._connections.read_all(self._one, keys[0])]
        found: list[list[Row]] = [[] for _ in keys]
        arrays = tuple(map(list, zip(*keys, strict=True)))
        for number, *row in await self._connections.read_all(self._many, arrays):
            found[number - 1].append(tuple(row))
        return found


def _fail(asked: Sequence[_Asked], why: Exception) -> None:
    for each in asked:
        if not each.answer.done():
            each.answer.set_exception(why)
