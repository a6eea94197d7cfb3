"""Bulkheads: so many at once for each key, and a short queue behind them."""

import asyncio
from collections.abc import AsyncIterator, Hashable
from contextlib import asynccontextmanager
from typing import Generic, TypeVar

from attrs import define, field

K = TypeVar("K", bound=Hashable)


@define(eq=False)
class _Bulkhead:
    places: asyncio.Semaphore
    present: int = 0


@define(eq=False)
class Bulkheads(Generic[K]):
    """
    Bounds what is under way for each key by itself.

    Args:
        places: How many of one key may be under way at once.
        waiting: How many more may wait for a place.
    """

    _places: int
    _waiting: int
    _bulkheads: dict[K, _Bulkhead] = field(factory=dict, init=False)

    @property
    def keys(self) -> frozenset[K]:
        """The keys of which something is under way."""
        return frozenset(self._bulkheads)

    @asynccontextmanager
    async def place(self, key: K) -> AsyncIterator[bool]:
        """Have a place while the block runs; gives False, at once, when the queue is full."""
        bulkhead = self._bulkheads.setdefault(key, _Bulkhead(asyncio.Semaphore(self._places)))
        if bulkhead.present >= self._places + self._waiting:
            yield False
            return
        bulkhead.present += 1
        try:
            async with bulkhead.places:
                yield True
        finally:
            bulkhead.present -= 1
            if not bulkhead.present:
                del self._bulkheads[key]
