"""
Reads by key, of which those that come at once go to the server as one statement.

A statement costs the client some 50 µs however little it reads, and a row in it next to nothing.
"""

import asyncio
from collections.abc import Sequence
from typing import Final

from attrs import define, field

from kiwisms.adapters.postgres.connections import Connections
from kiwisms.adapters.sql_rows.columns import Row

Key = tuple[str, ...]


@define(eq=False)
class GatheredReads:
    """
    One read that many ask for.

    Nobody waits for company: whoever asks while nothing is under way is read for at once, and
    whoever asks meanwhile goes with the next statement. So each sees all that was committed
    before it asked.

    Args:
        connections: Where the statements are sent.
        one: It takes the parts of a key.
        many: It takes an array for each part, and gives rows that begin with the number, from 1,
            of the key that they belong to.
    """

    _connections: Final[Connections]
    _one: Final[str] = field(kw_only=True)
    _many: Final[str] = field(kw_only=True)
    _waiting: list[tuple[Key, asyncio.Future[list[Row]]]] = field(factory=list, init=False)
    _reading: asyncio.Task[None] | None = field(default=None, init=False)

    async def rows(self, *key: str) -> list[Row]:
        """Read the rows of *key*; raises `StoreUnavailable`."""
        answer: asyncio.Future[list[Row]] = asyncio.get_running_loop().create_future()
        self._waiting.append((key, answer))
        if self._reading is None or self._reading.done():
            self._reading = asyncio.create_task(self._read_for_all())
        return await answer

    async def _read_for_all(self) -> None:
        while self._waiting:
            waiting, self._waiting = self._waiting, []
            keys, answers = zip(*waiting, strict=True)
            try:
                found = await self._read(keys)
            # Whatever it is, those who wait must hear of it.
            except Exception as why:  # noqa: BLE001
                for answer in answers:
                    if not answer.done():
                        answer.set_exception(why)
            else:
                for answer, rows in zip(answers, found, strict=True):
                    if not answer.done():
                        answer.set_result(rows)

    async def _read(self, keys: Sequence[Key]) -> list[list[Row]]:
        found: list[list[Row]] = [[] for _ in keys]
        if len(keys) > 1:
            arrays = tuple(map(list, zip(*keys, strict=True)))
            for number, *row in await self._connections.read_all(self._many, arrays):
                found[number - 1].append(tuple(row))
        if not any(found):
            # A key that no column can hold must not hide the others' rows.
            return [await self._connections.read_all(self._one, key) for key in keys]
        return found
