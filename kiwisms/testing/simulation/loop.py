"""A simulated event loop: time jumps, and a seed decides which task runs next."""

import asyncio
from collections.abc import Callable, Coroutine, Generator
from contextvars import Context, copy_context
from datetime import datetime, timedelta
from heapq import heappop, heappush
from random import Random
from typing import Any, Final, TypeVar, TypeVarTuple, Unpack

from kiwisms.testing.clock import START

T = TypeVar("T")
Ts = TypeVarTuple("Ts")

MICROS: Final = 1_000_000
MAX_STEPS: Final = 200_000
"""A run with more steps than this is taken for an endless loop."""


class Stuck(Exception):
    """A run cannot end: it is deadlocked, or in an endless loop."""


class SimulatedHandle(asyncio.TimerHandle):
    """A callback that the loop will run, unless it is cancelled before."""

    __slots__ = ("args", "callback", "context")

    # This does not call the base class, which would ask the loop about debugging each time.
    def __init__(
        self, callback: Callable[..., object], args: tuple[object, ...], context: Context | None
    ) -> None:
        self.callback: Callable[..., object] | None = callback
        self.args = args
        self.context = copy_context() if context is None else context
        self._cancelled = False

    def cancel(self) -> None:
        """Do not run, and release the callback."""
        self._cancelled = True
        self.callback, self.args = None, ()


class SimulatedTimer(SimulatedHandle):
    """A callback that runs at a moment of the loop's time."""

    __slots__ = ()

    def __init__(
        self,
        micros: int,
        callback: Callable[..., object],
        args: tuple[object, ...],
        context: Context | None,
    ) -> None:
        super().__init__(callback, args, context)
        self._when = micros / MICROS


class SimulatedTask(asyncio.Task[T]):
    """A task with the same hash in every run, for sets such as that of `asyncio.TaskGroup`."""

    # The number comes first, since the base class already puts the task into a set.
    def __init__(
        self,
        number: int,
        coro: Generator[Any, None, T] | Coroutine[Any, Any, T],
        loop: "SimulatedLoop",
        context: Context | None,
    ) -> None:
        self._number = number
        super().__init__(coro, loop=loop, name="", context=context)

    def __hash__(self) -> int:
        return self._number


class SimulatedLoop(asyncio.BaseEventLoop):
    """
    Runs tasks one step at a time, in an order that *chance* draws for each step.

    Any callback that is ready may run next, not only the first one. So a run explores orders that
    a real loop shows only under a load that cannot be repeated. When nothing is ready, time jumps
    to the next timer. There are no sockets, no threads and no signals.

    >>> async def main() -> float:
    ...     await asyncio.sleep(3600)
    ...     return asyncio.get_running_loop().time()
    >>> SimulatedLoop(Random(1)).run(main())
    3600.0
    """

    def __init__(self, chance: Random) -> None:
        super().__init__()
        self.steps = 0
        """How many callbacks have run: a counter that grows with every step."""
        self.errors: list[str] = []
        """The errors of callbacks, and of tasks that were never awaited."""
        self.micros = 0
        """Microseconds since the run began."""
        self._draw = chance.random
        self._timer_number = 0
        self._waiting: list[SimulatedHandle] = []
        self._timers: list[tuple[int, int, SimulatedTimer]] = []
        self._tasks: list[asyncio.Task[Any]] = []

    def run(self, main: Coroutine[Any, Any, T], *, max_steps: int = MAX_STEPS) -> T:
        """
        Run *main* to its end, then cancel all other tasks.

        Raises:
            Stuck: *main* cannot end, or did not within *max_steps* steps.
        """
        asyncio._set_running_loop(self)  # noqa: SLF001 - made for authors of loops
        try:
            task = self.create_task(main)
            self._run_until(task.done, max_steps)
            return task.result()
        finally:
            self._cancel_the_rest()
            asyncio._set_running_loop(None)  # noqa: SLF001

    def time(self) -> float:
        """Seconds since the run began."""
        return self.micros / MICROS

    def call_soon(
        self,
        callback: Callable[[Unpack[Ts]], object],
        *args: *Ts,
        context: Context | None = None,
    ) -> SimulatedHandle:
        """Run *callback* at one of the next steps."""
        handle = SimulatedHandle(callback, args, context)
        self._waiting.append(handle)
        return handle

    def call_later(
        self,
        delay: float,
        callback: Callable[[Unpack[Ts]], object],
        *args: *Ts,
        context: Context | None = None,
    ) -> SimulatedTimer:
        """Run *callback* after *delay* seconds."""
        return self._call_at(self.micros + round(delay * MICROS), callback, args, context)

    def call_at(
        self,
        when: float,
        callback: Callable[[Unpack[Ts]], object],
        *args: *Ts,
        context: Context | None = None,
    ) -> SimulatedTimer:
        """Run *callback* at *when* seconds after the run began."""
        return self._call_at(round(when * MICROS), callback, args, context)

    def create_future(self) -> asyncio.Future[Any]:
        """Make a future of this loop."""
        return asyncio.Future(loop=self)

    def create_task(
        self,
        coro: Generator[Any, None, T] | Coroutine[Any, Any, T],
        *,
        name: object = None,
        context: Context | None = None,
    ) -> asyncio.Task[T]:
        """Begin to run a coroutine."""
        del name  # never read, and made from a counter that all loops share
        task = SimulatedTask(len(self._tasks), coro, self, context)
        self._tasks.append(task)
        return task

    def call_exception_handler(self, context: dict[str, Any]) -> None:
        """Record an error in `errors`."""
        self.errors.append(f"{context.get('message')}: {context.get('exception')!r}")

    def get_debug(self) -> bool:
        """Return False: asyncio's own checks need real time."""
        return False

    def is_running(self) -> bool:
        """Whether `run` is running."""
        return asyncio._get_running_loop() is self  # noqa: SLF001

    def is_closed(self) -> bool:
        """Return True: there is nothing to close."""
        return True

    def _call_at(
        self,
        micros: int,
        callback: Callable[..., object],
        args: tuple[object, ...],
        context: Context | None,
    ) -> SimulatedTimer:
        handle = SimulatedTimer(micros, callback, args, context)
        self._timer_number += 1
        heappush(self._timers, (micros, self._timer_number, handle))
        return handle

    def _run_until(self, done: Callable[[], bool], max_steps: int) -> None:
        ready, timers, draw = self._waiting, self._timers, self._draw
        limit = self.steps + max_steps
        while not done():
            if not ready:
                if not timers:
                    raise Stuck("deadlock: every task waits for another")
                self.micros = max(self.micros, timers[0][0])
                while timers and timers[0][0] <= self.micros:
                    ready.append(heappop(timers)[2])
            if self.steps == limit:
                raise Stuck(f"no end after {max_steps} steps")
            self.steps += 1
            if len(ready) > 1:
                place = int(draw() * len(ready))
                ready[place], ready[-1] = ready[-1], ready[place]
            handle = ready.pop()
            callback = handle.callback
            if callback is None:
                continue
            try:
                handle.context.run(callback, *handle.args)
            except Exception as error:  # noqa: BLE001 - the other callbacks still run
                self.call_exception_handler({"message": "a callback raised", "exception": error})

    def _cancel_the_rest(self) -> None:
        self._timers.clear()
        left = [task for task in self._tasks if not task.done()]
        for task in left:
            task.cancel()
        self._run_until(lambda: all(task.done() for task in left) or not self._waiting, MAX_STEPS)
        self._tasks.clear()


class SimulatedClock:
    """A `Clock` that shows the time of a `SimulatedLoop`."""

    def __init__(self, loop: SimulatedLoop, start: datetime = START) -> None:
        self._loop = loop
        self._start = self._now = start
        self._micros = 0

    def now(self) -> datetime:
        """The start, and the time that has passed in the loop."""
        if self._micros != self._loop.micros:
            self._micros = self._loop.micros
            self._now = self._start + timedelta(microseconds=self._micros)
        return self._now

    async def sleep(self, seconds: float) -> None:
        """Wait in the loop's time, which takes no real time."""
        await asyncio.sleep(max(seconds, 0))

    def seconds_until(self, moment: datetime) -> float:
        """The loop's seconds until *moment*; 0 when it has passed."""
        return max((moment - self.now()).total_seconds(), 0)
