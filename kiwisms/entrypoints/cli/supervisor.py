"""Runs several workers under a supervisor, which only watches them and replaces the dead."""

import asyncio
import logging
import signal
import sys
from collections.abc import Awaitable, Callable
from contextlib import suppress
from multiprocessing import get_context, parent_process
from multiprocessing.connection import Connection
from multiprocessing.context import SpawnProcess
from typing import Any, Final

import click
from attrs import define, field

from kiwisms.domain.errors import KiwismsError
from kiwisms.entrypoints.cli.server import run

log = logging.getLogger(__name__)

Up = Callable[[], None]
Work = Callable[[int, Connection], None]

UP: Final = b""
"""What a worker sends when it is up. Anything else that it sends says why it cannot start."""
SHORTEST_PAUSE: Final = 0.1
LONGEST_PAUSE: Final = 30.0
LONG_LIFE: Final = 60.0
"""Seconds; a worker that lived as long did not die because of its start."""
SAME_SIGNAL: Final = 1.0
"""Seconds in which a second signal counts as the first one again."""

# Not fork(): the state in which a worker starts must not depend on its supervisor.
PROCESSES: Final = get_context("spawn")


@define(kw_only=True, eq=False)
class Supervisor:
    """
    Keeps several workers running.

    Args:
        work: Called in a fresh interpreter, so it must be something that can be pickled. It gets
            the worker's number, from 0, and the pipe to the supervisor, and calls `run_worker`.
        count: How many workers there are.
        drain_seconds: How long they may take to end before they are killed.
        when_up: Called once, when all workers are up.
        when_ending: Called once, before the workers are asked to end.
    """

    work: Work
    count: int
    drain_seconds: float
    when_up: Up
    when_ending: Callable[[], None]
    _processes: dict[int, SpawnProcess] = field(factory=dict, init=False)
    _up: set[int] = field(factory=set, init=False)

    async def run(self, stop: asyncio.Event) -> None:
        """
        Keep all workers running until *stop* is set, then end them; if it is set again, kill them.

        Raises:
            click.ClickException: A worker could not start the first time, or some had to be killed.
        """
        tasks = {
            asyncio.create_task(stop.wait()),
            *(asyncio.create_task(self._keep_running(number)) for number in range(self.count)),
        }
        try:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        finally:
            await _cancel(tasks)
            self.when_ending()
            killed = await self._end(stop)
        for error in [task.exception() for task in tasks if not task.cancelled()]:
            if error is not None:
                raise error
        if killed:
            raise click.ClickException(
                f"killed before they had finished: {killed} of {self.count} workers"
            )

    async def _keep_running(self, number: int) -> None:
        """Start a worker, and another one in its place each time it dies."""
        loop, pause = asyncio.get_running_loop(), 0.0
        while True:
            started = loop.time()
            process, pipe = self._start(number)
            with pipe:
                await self._wait_until_up(number, pipe)
            await _readable(process.sentinel)
            process.join()
            pause = next_pause(pause, lived=loop.time() - started)
            log.error(
                "worker %s ended with status %s; another takes its place in %.1f s",
                number,
                process.exitcode,
                pause,
            )
            await asyncio.sleep(pause)

    def _start(self, number: int) -> tuple[SpawnProcess, Connection]:
        ours, theirs = PROCESSES.Pipe(duplex=False)
        process = PROCESSES.Process(target=self.work, args=(number, theirs))
        # The worker inherits the block. Ctrl-C reaches every process of a terminal, but the
        # supervisor alone decides what follows from it.
        mask = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
        try:
            process.start()
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, mask)
            theirs.close()
        self._processes[number] = process
        return process, ours

    async def _wait_until_up(self, number: int, pipe: Connection) -> None:
        """Wait until a worker is up or dead; raises if it never was up and cannot start."""
        await _readable(pipe.fileno())
        try:
            message = pipe.recv_bytes()
        except EOFError:
            return
        if message != UP and number not in self._up:
            raise click.ClickException(message.decode())
        if message != UP:
            # It could start before, and the others still serve: the problem may pass.
            log.error("worker %s cannot start: %s", number, message.decode())
        elif number not in self._up:
            self._up.add(number)
            if len(self._up) == self.count:
                self.when_up()

    async def _end(self, stop: asyncio.Event) -> int:
        """End all workers, and return how many had to be killed."""
        for process in self._processes.values():
            process.terminate()
        tasks = {asyncio.create_task(self._all_ended()), asyncio.create_task(_stopped_again(stop))}
        await asyncio.wait(tasks, timeout=self.drain_seconds, return_when=asyncio.FIRST_COMPLETED)
        await _cancel(tasks)
        late = [process for process in self._processes.values() if process.is_alive()]
        for process in late:
            process.kill()
        for process in self._processes.values():
            process.join()
        return len(late)

    async def _all_ended(self) -> None:
        for process in self._processes.values():
            await _readable(process.sentinel)
            process.join()


def run_worker(main: Callable[[Up, asyncio.Event], Awaitable[None]], pipe: Connection) -> None:
    """
    Run one of the workers, until the supervisor ends it or is itself dead.

    Args:
        main: It calls its first argument when it is up, and works until the event is set.
        pipe: To the supervisor.
    """

    def up() -> None:
        _send(UP, pipe)
        pipe.close()

    async def watched(stop: asyncio.Event) -> None:
        watching = asyncio.create_task(_when_orphaned(stop.set))
        try:
            await main(up, stop)
        finally:
            await _cancel({watching})

    try:
        run(watched)
    except (KiwismsError, OSError, click.ClickException) as why:
        if pipe.closed:
            log.exception("the worker failed")
        else:
            _send(str(why).encode(), pipe)
        sys.exit(1)
    except Exception:
        log.exception("the worker failed unexpectedly")
        if not pipe.closed:
            _send(b"a worker failed unexpectedly", pipe)
        sys.exit(1)


def next_pause(last: float, lived: float) -> float:
    """
    Return how long to wait before a dead worker is replaced, all in seconds.

    >>> next_pause(0, lived=3600), next_pause(0, lived=1), next_pause(0.1, lived=1)
    (0.0, 0.1, 0.2)
    >>> next_pause(20, lived=1), next_pause(30, lived=61)
    (30.0, 0.0)
    """
    if lived >= LONG_LIFE:
        return 0.0
    return min(max(2 * last, SHORTEST_PAUSE), LONGEST_PAUSE)


async def _stopped_again(stop: asyncio.Event) -> None:
    # One Ctrl-C may arrive twice: from the terminal, and from the program that started this one.
    await asyncio.sleep(SAME_SIGNAL)
    stop.clear()
    await stop.wait()


async def _when_orphaned(act: Callable[[], None]) -> None:
    supervisor = parent_process()
    if supervisor is not None:
        await _readable(supervisor.sentinel)
        act()


async def _readable(fd: int) -> None:
    """Wait until there is something to read, or the other end is closed."""
    loop, readable = asyncio.get_running_loop(), asyncio.Event()
    loop.add_reader(fd, readable.set)
    try:
        await readable.wait()
    finally:
        loop.remove_reader(fd)


async def _cancel(tasks: set[asyncio.Task[Any]]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.wait(tasks)


def _send(message: bytes, pipe: Connection) -> None:
    with suppress(BrokenPipeError):
        pipe.send_bytes(message)
