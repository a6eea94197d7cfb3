"""One server process: its tasks, its delays and its death."""

import asyncio
from collections.abc import Callable, Coroutine, Generator
from types import coroutine
from typing import Any, TypeVar

from kiwisms.testing.simulation.faults import Fault
from kiwisms.testing.simulation.marks import Mark
from kiwisms.testing.simulation.world import World

T = TypeVar("T")


class ConnectionLost(Exception):
    """The customer's connection broke: the request may have been served or not."""


class Process:
    """
    The tasks of one process, until it dies.

    A dead process does nothing: all its tasks are cancelled where they await, and code that still
    runs, in a ``finally``, cannot reach any port.
    """

    def __init__(self, world: World, name: str, on_death: Callable[["Process"], None]) -> None:
        self.name = name
        self.alive = True
        self._world = world
        self._on_death = on_death
        self._tasks: list[asyncio.Task[Any]] = []

    def start(self, work: Coroutine[Any, Any, T]) -> asyncio.Task[T]:
        """Run a task that ends with the process."""
        task = self._world.loop.create_task(work)
        self._tasks.append(task)
        return task

    async def serve(self, request: Coroutine[Any, Any, T]) -> T:
        """
        Answer a request from outside.

        Raises:
            ConnectionLost: The process died, the request was cancelled, or the answer was lost.
        """
        if not self.alive:
            request.close()
            raise ConnectionLost(f"{self.name} is down")
        task = self.start(request)
        if self._world.strikes(Fault.HANG_UP, self.name):
            delay = self._world.chance.random()
            self._world.loop.call_later(delay, task.cancel)
        try:
            answer = await task
        except asyncio.CancelledError:
            if self.alive:
                self._world.reach(Mark.HUNG_UP)
            raise ConnectionLost("the connection broke") from None
        if self._world.strikes(Fault.RESPONSE_LOST, self.name):
            raise ConnectionLost("the answer was lost")
        return answer

    async def yield_control(self) -> None:
        """Let other tasks run; a process that dies meanwhile does not continue."""
        self.check_alive()
        if self._world.strikes(Fault.STALL, self.name):
            await self._stall()
        await _yield_once()
        self.check_alive()

    async def network_delay(self) -> None:
        """Wait for as long as a message takes through the network."""
        self.check_alive()
        if self._world.strikes(Fault.STALL, self.name):
            await self._stall()
        await asyncio.sleep(self._world.chance.uniform(0.01, 0.5))
        self.check_alive()

    async def die(self) -> None:
        """Crash at this point: the caller does not continue."""
        self.crash()
        await asyncio.sleep(0)

    def crash(self) -> None:
        """Cancel every task, and lose the memory."""
        if not self.alive:
            return
        self.alive = False
        self._world.reach(Mark.CRASHED)
        for task in self._tasks:
            task.cancel()
        self._on_death(self)

    def check_alive(self) -> None:
        """Raise `CancelledError` when the process is dead."""
        if not self.alive:
            raise asyncio.CancelledError

    async def _stall(self) -> None:
        await asyncio.sleep(self._world.chance.uniform(1, 60))


@coroutine
def _yield_once() -> Generator[None, None, None]:
    """Let other tasks run first: the core of ``asyncio.sleep(0)``."""
    yield
