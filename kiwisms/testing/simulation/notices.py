"""Notices whose order depends on the seed alone."""

import asyncio
from collections.abc import Callable

from kiwisms.application.outbox import WORK
from kiwisms.entrypoints.worker import STOP
from kiwisms.testing.simulation.loop import SimulatedLoop


class SimulatedNotices:
    """
    A `Notices` for one process that wakes its tasks in order.

    `LocalNotices` keeps sets, whose order the seed does not decide.

    The worker's loops look for work of other processes every second, and read upstream's balance
    every minute. While nothing is due both are useless, and a webhook may be retried for a day: so
    the loops sleep until something is due.

    Args:
        loop: Runs every task of the life.
        is_due: Returns whether any work is due now.
    """

    def __init__(self, loop: SimulatedLoop, is_due: Callable[[], bool]) -> None:
        self._loop, self._is_due = loop, is_due
        self._waiting: dict[str, list[asyncio.Future[None]]] = {}
        self._overdue: list[asyncio.Future[None]] = []

    def notify(self, topic: str) -> None:
        """Wake every task that waits for *topic*."""
        for woken in self._waiting.pop(topic, ()):
            _wake(woken)

    def work_is_due(self) -> None:
        """Wake the loops that sleep until work is due."""
        self.notify(WORK)
        for woken in self._overdue:
            _wake(woken)
        self._overdue.clear()

    async def wait(self, topic: str, seconds: float) -> None:
        """Return on a notice for *topic*, or after *seconds*; the worker may sleep longer."""
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
