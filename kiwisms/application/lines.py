"""So many at once for each receiver, and a short line behind them."""

import asyncio
from collections.abc import AsyncIterator, Hashable
from contextlib import asynccontextmanager
from typing import Generic, TypeVar

from attrs import define, field

K = TypeVar("K", bound=Hashable)


@define(eq=False)
class _Line:
    places: asyncio.Semaphore
    present: int = 0


@define(eq=False)
class Lines(Generic[K]):
    """
    Bounds what is under way for each key by itself.

    Args:
        places: How many of one key may be under way at once.
        waiting: How many more may wait for a place.
    """

    _places: int
    _waiting: int
    _lines: dict[K, _Line] = field(factory=dict, init=False)

    @property
    def keys(self) -> frozenset[K]:
        """The keys of which something is under way."""
        return frozenset(self._lines)

    @asynccontextmanager
    async def place(self, key: K) -> AsyncIterator[bool]:
        """Have a place while the block runs; gives False, at once, when the line is full."""
        line = self._lines.setdefault(key, _Line(asyncio.Semaphore(self._places)))
        if line.present >= self._places + self._waiting:
            yield False
            return
        line.present += 1
        try:
            async with line.places:
                yield True
        finally:
            line.present -= 1
            if not line.present:
                del self._lines[key]
