"""Bulkheads: a limit for each key on what runs at once, with a short queue behind it."""

import asyncio
from collections.abc import AsyncIterator, Hashable
from contextlib import asynccontextmanager
from typing import Generic, TypeVar

from attrs import define, field

K = TypeVar("K", bound=Hashable)


@define(eq=False)
class _Bulkhead:
    places: asyncio.Semaphore
    entered: int = 0


@define(eq=False)
class Bulkheads(Generic[K]):
    """
    Limits what is under way, for each key separately.

    Args:
        places: How many of one key may be under way at once.
        waiting: How many more may wait for a place.
    """

    _places: int
    _waiting: int
    _bulkheads: dict[K, _Bulkhead] = field(factory=dict, init=False)

    @property
    def keys(self) -> frozenset[K]:
        """The keys for which something is under way."""
        return frozenset(self._bulkheads)

    @asynccontextmanager
    async def place(self, key: K) -> AsyncIterator[bool]:
        """Hold a place while the block runs; yields False at once when the queue is full."""
        bulkhead = self._bulkheads.setdefault(key, _Bulkhead(asyncio.Semaphore(self._places)))
        if bulkhead.entered >= self._places + self._waiting:
            yield False
            return
        bulkhead.entered += 1
        try:
            async with bulkhead.places:
                yield True
        finally:
            bulkhead.entered -= 1
            if not bulkhead.entered:
                del self._bulkheads[key]
