"""
Group commit: concurrent units of work are committed together.

Each unit runs in a savepoint of one real transaction. All are acknowledged after its single fsync,
so that concurrent writers share the time of the disk. A unit that fails is rolled back alone.

Statements take microseconds and run on the event loop. Only the commit, which waits for the disk,
runs in aiosqlite's thread. With the statements there too, the two threads would compete for the
interpreter lock at each statement.
"""

import asyncio
import logging
import sqlite3
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, Final, Generic, TypeVar

import aiosqlite
from attrs import define, field

from kiwisms.adapters.sqlite.refusals import WRITING
from kiwisms.ports.store import StoreUnavailable

log = logging.getLogger(__name__)

LOCK_SECONDS: Final = 10.0
"""The longest wait while other processes write."""
LOCK_PAUSE_SECONDS: Final = 0.002

T = TypeVar("T")
Work = Callable[[sqlite3.Connection], T]


@define(eq=False)
class _Unit(Generic[T]):
    """A unit of work to write; *settled* is done once it is durable or has failed."""

    work: Work[T]
    settled: asyncio.Future[None] = field(
        factory=lambda: asyncio.get_running_loop().create_future()
    )
    _results: list[T] = field(factory=list, init=False)
    _error: Exception | None = field(default=None, init=False)

    def run(self, connection: sqlite3.Connection) -> None:
        """Run the work in a savepoint, which a failure rolls back."""
        connection.execute("SAVEPOINT unit")
        try:
            self._results = [self.work(connection)]
        except Exception as why:
            self._error = why
            # On a full or broken disk SQLite has rolled back the whole transaction already.
            if not connection.in_transaction:
                raise
            connection.execute("ROLLBACK TO unit")
        connection.execute("RELEASE unit")

    def fail(self, why: Exception) -> None:
        """Settle the unit as failed: it is not known to be durable."""
        self._error = self._error or why
        self.settled.set_result(None)

    def outcome(self) -> T:
        """Return the result of the work or raise its error, once it is settled."""
        if self._error is not None:
            raise self._error
        return self._results[0]


class Writer:
    """The only connection of this process that writes, used as an async context manager."""

    def __init__(self, path: Path) -> None:
        self._path = path.absolute()
        self._file: tuple[int, int] | None = None
        # Two threads never use it at once: the loop does not touch it during a commit.
        self._connection = sqlite3.connect(
            path, timeout=0, isolation_level=None, check_same_thread=False, cached_statements=256
        )
        self._thread = aiosqlite.Connection(lambda: self._connection, iter_chunk_size=1)
        self._waiting: list[_Unit[Any]] = []
        self._committing: asyncio.Task[None] | None = None

    async def __aenter__(self) -> "Writer":
        await self._thread
        try:
            await self._when_unlocked("PRAGMA journal_mode = WAL")
            self._connection.execute("PRAGMA synchronous = FULL")
            self._connection.execute("PRAGMA foreign_keys = ON")
            self._file = _identity(self._path)
        except BaseException:
            await self._thread.close()
            raise
        return self

    async def __aexit__(self, *_exception: object) -> None:
        try:
            while self._committing is not None:
                await asyncio.wait([self._committing])
        finally:
            await self._thread.close()

    async def write(self, work: Work[T]) -> T:
        """
        Run *work* in a transaction; when this returns, what it wrote is durable.

        Raises:
            StoreUnavailable: The commit failed. If it was interrupted, it is not known whether
                anything was written.
            Exception: *work* raised it, and none of its writes were kept.
        """
        unit = _Unit(work)
        self._waiting.append(unit)
        if self._committing is None:
            self._start_commit()
        with WRITING:
            try:
                await asyncio.shield(unit.settled)
            except asyncio.CancelledError:
                # The caller must not release its lock while the write is in progress.
                while not unit.settled.done():
                    with suppress(asyncio.CancelledError):
                        await asyncio.wait([unit.settled])
                raise
            return unit.outcome()

    def _start_commit(self, _ended: asyncio.Task[None] | None = None) -> None:
        """Start a commit task if units wait, also after a task that was cancelled."""
        self._committing = None
        if self._waiting:
            self._committing = asyncio.create_task(self._commit_all())
            self._committing.add_done_callback(self._start_commit)

    async def _commit_all(self) -> None:
        # While one group is being committed, the next one collects.
        while self._waiting:
            group: list[_Unit[Any]] = []
            try:
                await self._when_unlocked("BEGIN IMMEDIATE")
                group = self._take_waiting()
                for unit in group:
                    unit.run(self._connection)
                await self._commit()
            except Exception as why:
                lost = group or self._take_waiting()
                log.exception("the store refused a commit; units_lost=%d", len(lost))
                self._fail_all(lost, why)
            except BaseException:
                log.exception("the store was interrupted; units_not_acknowledged=%d", len(group))
                self._fail_all(group, StoreUnavailable("the store was interrupted"))
                raise
            else:
                for unit in group:
                    unit.settled.set_result(None)

    async def _commit(self) -> None:
        if _identity(self._path) != self._file:
            raise StoreUnavailable(f"{self._path} was removed or replaced; start the server again")
        try:
            await self._thread.commit()
        except asyncio.CancelledError:
            # The thread still commits: wait until it is done.
            await self._thread.rollback()
            raise

    def _take_waiting(self) -> list[_Unit[Any]]:
        taken, self._waiting = self._waiting, []
        return taken

    def _fail_all(self, units: Sequence[_Unit[Any]], why: Exception) -> None:
        for unit in units:
            unit.fail(why)
        if self._connection.in_transaction:
            self._connection.execute("ROLLBACK")

    async def _when_unlocked(self, statement: str) -> None:
        """Run *statement* as soon as no other process writes, without holding up the loop."""
        deadline = asyncio.get_running_loop().time() + LOCK_SECONDS
        while True:
            try:
                self._connection.execute(statement)
            except sqlite3.OperationalError as why:
                is_late = asyncio.get_running_loop().time() >= deadline
                if why.sqlite_errorcode != sqlite3.SQLITE_BUSY or is_late:
                    raise
                await asyncio.sleep(LOCK_PAUSE_SECONDS)
            else:
                return


def _identity(path: Path) -> tuple[int, int] | None:
    """What tells a file from another one of the same name; ``None`` when there is none."""
    try:
        found = path.stat()
    except FileNotFoundError:
        return None
    return found.st_dev, found.st_ino
