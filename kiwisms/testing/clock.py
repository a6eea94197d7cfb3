"""A clock that only a test moves."""

import asyncio
from datetime import UTC, datetime, timedelta
from heapq import heappop, heappush
from itertools import count
from typing import Final

START: Final = datetime(2026, 1, 1, 12, tzinfo=UTC)


class ManualClock:
    """
    A `Clock` that only `advance` moves.

    >>> clock = ManualClock()
    >>> clock.advance(1.5)
    >>> clock.now().isoformat()
    '2026-01-01T12:00:01.500000+00:00'
    """

    def __init__(self, start: datetime = START) -> None:
        self._now = start
        self._order = count()
        self._sleepers: list[tuple[datetime, int, asyncio.Future[None]]] = []

    @property
    def sleepers(self) -> int:
        """How many tasks are sleeping."""
        return sum(not woken.done() for _, _, woken in self._sleepers)

    def now(self) -> datetime:
        """The current moment."""
        return self._now

    async def sleep(self, seconds: float) -> None:
        """Wait until the clock was advanced this far; zero lets other tasks run."""
        if seconds <= 0:
            await asyncio.sleep(0)
            return
        woken = asyncio.get_running_loop().create_future()
        heappush(self._sleepers, (self._now + timedelta(seconds=seconds), next(self._order), woken))
        await woken

    def advance(self, seconds: float) -> None:
        """
        Move the time forward at once.

        This wakes every task whose sleep is over, in the order in which they are due. They run when
        the caller next awaits, and all of them see the new time.
        """
        if seconds < 0:
            raise ValueError("time does not go back")
        self._now += timedelta(seconds=seconds)
        while self._sleepers and self._sleepers[0][0] <= self._now:
            _, _, woken = heappop(self._sleepers)
            if not woken.done():
                woken.set_result(None)
