"""Taps on the shoulder in an order that only the seed decides."""

import asyncio

from kiwisms.testing.simulation.loop import SimulatedLoop


class SimulatedNotices:
    """A `Notices` for one process; `LocalNotices` keeps sets, whose order is not the seed's."""

    def __init__(self, loop: SimulatedLoop) -> None:
        self._loop = loop
        self._waiting: dict[str, list[asyncio.Future[None]]] = {}

    def tell(self, topic: str) -> None:
        """Wake everybody who waits for *topic*."""
        for woken in self._waiting.pop(topic, ()):
            _wake(woken)

    async def wait(self, topic: str, seconds: float) -> None:
        """Return when *topic* is told, or after *seconds*."""
        woken = self._loop.create_future()
        self._waiting.setdefault(topic, []).append(woken)
        timer = self._loop.call_later(seconds, _wake, woken)
        try:
            await woken
        finally:
            timer.cancel()


def _wake(woken: asyncio.Future[None]) -> None:
    if not woken.done():
        woken.set_result(None)
