"""Taps on the shoulder in an order that only the seed decides."""

import asyncio
from collections.abc import Callable

from kiwisms.application.outbox import WORK
from kiwisms.entrypoints.worker import STOP
from kiwisms.testing.simulation.loop import SimulatedLoop


class SimulatedNotices:
    """
    A `Notices` for one process; `LocalNotices` keeps sets, whose order is not the seed's.

    The worker's loops look every second whether another process has left work for them, and every
    minute what upstream's balance is. As long as nothing is due nobody needs either, and a webhook
    may be tried for a day: so the loops are left to wait until something is.

    Args:
        loop: Runs everything.
        is_due: Tells whether any work is due now.
    """

    def __init__(self, loop: SimulatedLoop, is_due: Callable[[], bool]) -> None:
        self._loop, self._is_due = loop, is_due
        self._waiting: dict[str, list[asyncio.Future[None]]] = {}
        self._overdue: list[asyncio.Future[None]] = []

    def notify(self, topic: str) -> None:
        """Wake everybody who waits for *topic*."""
        for woken in self._waiting.pop(topic, ()):
            _wake(woken)

    def work_is_due(self) -> None:
        """Wake the loops that were left to wait."""
        self.notify(WORK)
        for woken in self._overdue:
            _wake(woken)
        self._overdue.clear()

    async def wait(self, topic: str, seconds: float) -> None:
        """Return when *topic* is told, or after *seconds*; for the worker perhaps later."""
        woken = self._loop.create_future()
        self._waiting.setdefault(topic, []).append(woken)
        if topic == WORK and not self._is_due():
            await woken
            return
        over = self._is_over if topic == STOP else _wake
        timer = self._loop.call_later(seconds, over, woken)
        try:
            await woken
        finally:
            timer.cancel()

    def _is_over(self, woken: asyncio.Future[None]) -> None:
        if self._is_due():
            _wake(woken)
        else:
            self._overdue.append(woken)


def _wake(woken: asyncio.Future[None]) -> None:
    if not woken.done():
        woken.set_result(None)
