"""One server process: what it is doing, and how it dies."""

import asyncio
from collections.abc import Callable, Coroutine, Generator
from types import coroutine
from typing import Any, TypeVar

from kiwisms.testing.simulation.faults import Fault
from kiwisms.testing.simulation.marks import Mark
from kiwisms.testing.simulation.world import World

T = TypeVar("T")


class ConnectionLost(Exception):
    """The customer's connection broke: nobody can tell whether the request was served."""


class Process:
    """
    What runs in one process, until it dies.

    A dead process does nothing any more: all its tasks are cancelled at the await where they are,
    and whoever still gets to run, in a ``finally``, reaches no port.
    """

    def __init__(self, world: World, name: str, on_death: Callable[["Process"], None]) -> None:
        self.name = name
        self.alive = True
        self._world = world
        self._on_death = on_death
        self._tasks: list[asyncio.Task[Any]] = []

    def start(self, work: Coroutine[Any, Any, T]) -> asyncio.Task[T]:
        """Run something that ends with the process."""
        task = self._world.loop.create_task(work)
        self._tasks.append(task)
        return task

    async def serve(self, request: Coroutine[Any, Any, T]) -> T:
        """
        Answer a request from outside.

        Raises:
            ConnectionLost: The process died, or the request was cancelled, or the answer is lost.
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
        if self._world.strikes(Fault.LINE_CUT, self.name):
            raise ConnectionLost("the answer was lost")
        return answer

    async def breathe(self) -> None:
        """Wait for the outside for a moment; a process that died meanwhile never comes back."""
        self.must_live()
        if self._world.strikes(Fault.STALL, self.name):
            await self._stall()
        await _turn()
        self.must_live()

    async def travel(self) -> None:
        """Wait for as long as a message takes through a network."""
        self.must_live()
        if self._world.strikes(Fault.STALL, self.name):
            await self._stall()
        await asyncio.sleep(self._world.chance.uniform(0.01, 0.5))
        self.must_live()

    async def die(self) -> None:
        """Die here and now."""
        self.crash()
        await asyncio.sleep(0)

    def crash(self) -> None:
        """Lose every task and all memory."""
        if not self.alive:
            return
        self.alive = False
        self._world.reach(Mark.CRASHED)
        for task in self._tasks:
            task.cancel()
        self._on_death(self)

    def must_live(self) -> None:
        """Stop whoever still runs in a process that has died."""
        if not self.alive:
            raise asyncio.CancelledError

    async def _stall(self) -> None:
        await asyncio.sleep(self._world.chance.uniform(1, 60))


@coroutine
def _turn() -> Generator[None, None, None]:
    """Let others go first: what `asyncio.sleep` does of 0 seconds, and nothing else."""
    yield
