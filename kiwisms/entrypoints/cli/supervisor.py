"""Several workers, and their supervisor: it only watches them, and replaces who dies."""

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
"""What a worker says to its supervisor; anything else is why it cannot start."""
SHORTEST_PAUSE: Final = 0.1
LONGEST_PAUSE: Final = 30.0
LONG_LIFE: Final = 60.0
"""Seconds; who dies after them did not die of how it was started."""
SAME_SIGNAL: Final = 1.0
"""Seconds in which a second signal is not yet a second wish."""

# Not fork(): what a worker begins with must not depend on what its supervisor has done.
PROCESSES: Final = get_context("spawn")


@define(kw_only=True, eq=False)
class Supervisor:
    """
    Keeps workers at work.

    Args:
        work: Calls `be_worker` in a fresh interpreter, so it must be something that can be
            pickled. It is given the worker's number, from 0, and the line to its supervisor.
        count: How many workers there are.
        drain_seconds: How long they may take to end before they are killed.
        when_up: Called once, when all of them are up.
        when_ending: Called once, before they are told to end.
    """

    work: Work
    count: int
    drain_seconds: float
    when_up: Up
    when_ending: Callable[[], None]
    _processes: dict[int, SpawnProcess] = field(factory=dict, init=False)
    _up: set[int] = field(factory=set, init=False)

    async def run(self, told: asyncio.Event) -> None:
        """
        Keep all workers at work until *told* is set, and then end them; set once more, kill them.

        Raises:
            click.ClickException: One could not start the first time, or some had to be killed.
        """
        tasks = {
            asyncio.create_task(told.wait()),
            *(asyncio.create_task(self._keep(number)) for number in range(self.count)),
        }
        try:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        finally:
            await _cancel(tasks)
            self.when_ending()
            killed = await self._end(told)
        for error in [task.exception() for task in tasks if not task.cancelled()]:
            if error is not None:
                raise error
        if killed:
            raise click.ClickException(
                f"killed before they had finished: {killed} of {self.count} workers"
            )

    async def _keep(self, number: int) -> None:
        """Have one worker at work, and when it dies another in its place."""
        loop, pause = asyncio.get_running_loop(), 0.0
        while True:
            born = loop.time()
            process, line = self._start(number)
            with line:
                await self._hear(number, line)
            await _readable(process.sentinel)
            process.join()
            pause = next_pause(pause, lived=loop.time() - born)
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
        # It stays blocked in the worker: Ctrl-C reaches every process of a terminal, but what
        # follows from it is for the supervisor to say.
        mask = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
        try:
            process.start()
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, mask)
            theirs.close()
        self._processes[number] = process
        return process, ours

    async def _hear(self, number: int, line: Connection) -> None:
        """Wait until a worker is up or dead; raises when one says that it cannot start at all."""
        await _readable(line.fileno())
        try:
            said = line.recv_bytes()
        except EOFError:
            return
        if said != UP and number not in self._up:
            raise click.ClickException(said.decode())
        if said != UP:
            # It did once, and the others still serve: what is wrong may pass.
            log.error("worker %s cannot start: %s", number, said.decode())
        elif number not in self._up:
            self._up.add(number)
            if len(self._up) == self.count:
                self.when_up()

    async def _end(self, told: asyncio.Event) -> int:
        """End all workers; returns how many had to be killed."""
        for process in self._processes.values():
            process.terminate()
        tasks = {asyncio.create_task(self._all_ended()), asyncio.create_task(_told_again(told))}
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


def be_worker(main: Callable[[Up, asyncio.Event], Awaitable[None]], line: Connection) -> None:
    """
    Be one of the workers, until the supervisor wants the end or is itself gone.

    Args:
        main: Makes the given call when it is up, and works until the event is set.
        line: To the supervisor.
    """

    def up() -> None:
        _say(UP, line)
        line.close()

    async def watched(told: asyncio.Event) -> None:
        watching = asyncio.create_task(_when_alone(told.set))
        try:
            await main(up, told)
        finally:
            await _cancel({watching})

    try:
        run(watched)
    except (KiwismsError, OSError, click.ClickException) as why:
        if line.closed:
            log.exception("the worker failed")
        else:
            _say(str(why).encode(), line)
        sys.exit(1)
    except Exception:
        log.exception("the worker failed unexpectedly")
        if not line.closed:
            _say(b"a worker failed unexpectedly", line)
        sys.exit(1)


def next_pause(last: float, lived: float) -> float:
    """
    Say how long to wait before a dead worker is replaced, all in seconds.

    >>> next_pause(0, lived=3600), next_pause(0, lived=1), next_pause(0.1, lived=1)
    (0.0, 0.1, 0.2)
    >>> next_pause(20, lived=1), next_pause(30, lived=61)
    (30.0, 0.0)
    """
    if lived >= LONG_LIFE:
        return 0.0
    return min(max(2 * last, SHORTEST_PAUSE), LONGEST_PAUSE)


async def _told_again(told: asyncio.Event) -> None:
    # One Ctrl-C may come twice at once: from the terminal, and from what runs this.
    await asyncio.sleep(SAME_SIGNAL)
    told.clear()
    await told.wait()


async def _when_alone(act: Callable[[], None]) -> None:
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


def _say(what: bytes, line: Connection) -> None:
    with suppress(BrokenPipeError):
        line.send_bytes(what)
