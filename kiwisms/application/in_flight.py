"""Calls in flight: each runs to its end, even if its caller is cancelled."""

import asyncio
import logging
from collections.abc import Coroutine
from typing import Any, TypeVar

from attrs import define, field

from kiwisms.domain.errors import KiwismsError
from kiwisms.ports.store import StoreUnavailable

T = TypeVar("T")

log = logging.getLogger(__name__)


@define(eq=False)
class InFlight:
    """
    Calls that must not be cut off in the middle.

    Cancelling a caller, as `asyncio.timeout` does, leaves the call itself running.
    """

    _calls: set[asyncio.Task[object]] = field(factory=set, init=False)
    _is_draining: bool = field(default=False, init=False)

    async def run(self, call: Coroutine[Any, Any, T]) -> T:
        """
        Await *call*. If the caller is cancelled, *call* goes on, and its error is logged.

        Raises:
            StoreUnavailable: `drain` was called: what begins now could not end.
        """
        if self._is_draining:
            call.close()
            raise StoreUnavailable("kiwisms is being closed")
        task = asyncio.create_task(call)
        self._calls.add(task)
        task.add_done_callback(self._calls.discard)
        try:
            # Unlike a shield, this logs no later error by itself in any version of Python.
            await asyncio.wait([task])
        except asyncio.CancelledError:
            task.add_done_callback(_log_error)
            raise
        return task.result()

    async def drain(self) -> None:
        """Let no further call begin, and wait for those in flight, however long each takes."""
        self._is_draining = True
        if self._calls:
            await asyncio.wait(self._calls)


def _log_error(task: asyncio.Task[object]) -> None:
    error = None if task.cancelled() else task.exception()
    if isinstance(error, KiwismsError):
        log.info("a call was refused after its caller was cancelled: %s", error)
    elif error is not None:
        log.error("a call failed after its caller was cancelled", exc_info=error)
