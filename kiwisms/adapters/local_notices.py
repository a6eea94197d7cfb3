"""Notices within this process."""

import asyncio
from collections import defaultdict
from contextlib import suppress

from kiwisms.ports.clock import Clock


class LocalNotices:
    """
    A `Notices` for one process.

    A waiting task sleeps by the *clock*, and a notice ends its sleep early. So waiting needs no
    second task, and a cancelled wait leaves nothing behind. A notice is lost when no task waits for
    its topic.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._sleeps: defaultdict[str, set[asyncio.Timeout]] = defaultdict(set)

    @property
    def topics(self) -> int:
        """How many topics have a waiting task."""
        return len(self._sleeps)

    def notify(self, topic: str) -> None:
        """Wake every task that waits for *topic*."""
        for sleep in self._sleeps.pop(topic, ()):
            sleep.reschedule(0)

    async def wait(self, topic: str, seconds: float) -> None:
        """Return on a notice for *topic*, or after *seconds*."""
        with suppress(TimeoutError):
            async with asyncio.timeout(None) as sleep:
                self._sleeps[topic].add(sleep)
                try:
                    await self._clock.sleep(seconds)
                finally:
                    self._forget(topic, sleep)

    def _forget(self, topic: str, sleep: asyncio.Timeout) -> None:
        if topic not in self._sleeps:
            return
        self._sleeps[topic].discard(sleep)
        if not self._sleeps[topic]:
            del self._sleeps[topic]
