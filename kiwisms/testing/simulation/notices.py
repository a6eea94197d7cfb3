"""Taps on the shoulder in an order that only the seed decides."""

import asyncio
from collections.abc import Callable

from kiwisms.application.outbox import WORK
from kiwisms.testing.simulation.loop import SimulatedLoop


class SimulatedNotices:
    """
    A `Notices` for one process; `LocalNotices` keeps sets, whose order is not the seed's.

    The worker's loops look every second whether another process has left work for them. As long
    as nothing is due they would find none: so they are left to wait until something is.

    Args:
        loop: Runs everything.
        is_due: Tells whether any work is due now.
    """

    def __init__(self, loop: SimulatedLoop, is_due: Callable[[], bool]) -> None:
        self._loop, self._is_due = loop, is_due
        self._waiting: dict[str, list[asyncio.Future[None]]] = {}

    def tell(self, topic: str) -> None:
        """Wake everybody who waits for *topic*."""
        for woken in self._waiting.pop(topic, ()):
            _wake(woken)

    def work_is_due(self) -> None:
        """Wake the loops that were left to wait."""
        self.tell(WORK)

    async def wait(self, topic: str, seconds: float) -> None:
        """Return when *topic* is told, or after *seconds*; for work perhaps later."""
        woken = self._loop.create_future()
        self._waiting.setdefault(topic, []).append(woken)
        if topic == WORK and not self._is_due():
            await woken
            return
        timer = self._loop.call_later(seconds, _wake, woken)
        try:
            await woken
        finally:
            timer.cancel()


def _wake(woken: asyncio.Future[None]) -> None:
    if not woken.done():
        woken.set_result(None)
