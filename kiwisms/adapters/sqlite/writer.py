"""
Group commit: units of work that wait together are made durable together.

Each runs as a savepoint of one real transaction, and all are answered after its single fsync, so
that the disk's time is shared by all who write at once. One that fails, for whatever reason, is
taken back alone. Statements take microseconds and run on the event loop; only the commit, which
waits for the disk, goes to aiosqlite's thread. With the statements there too, the two threads would
take the interpreter from each other at every one.
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
"""How long to wait while other processes write."""
LOCK_PAUSE_SECONDS: Final = 0.002

T = TypeVar("T")
Work = Callable[[sqlite3.Connection], T]


@define(eq=False)
class _Unit(Generic[T]):
    """What somebody wants written; *settled* once it is durable or refused."""

    work: Work[T]
    settled: asyncio.Future[None] = field(
        factory=lambda: asyncio.get_running_loop().create_future()
    )
    _results: list[T] = field(factory=list, init=False)
    _error: Exception | None = field(default=None, init=False)

    def run(self, connection: sqlite3.Connection) -> None:
        """Do the work as a savepoint, which a failure takes back."""
        connection.execute("SAVEPOINT unit")
        try:
            self._results = [self.work(connection)]
        except Exception as why:
            self._error = why
            # A full or broken disk has taken back the whole transaction already.
            if not connection.in_transaction:
                raise
            connection.execute("ROLLBACK TO unit")
        connection.execute("RELEASE unit")

    def fail(self, why: Exception) -> None:
        """Settle that nothing became durable."""
        self._error = self._error or why
        self.settled.set_result(None)

    def outcome(self) -> T:
        """Return or raise what came of the work, once it is settled."""
        if self._error is not None:
            raise self._error
        return self._results[0]


class Writer:
    """The only connection of this process that writes; used as an async context manager."""

    def __init__(self, path: Path) -> None:
        # Never used by two threads at once: the loop waits while the other one commits.
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
            StoreUnavailable: Nothing was written.
            Exception: *work* raised it, and nothing of it was written.
        """
        unit = _Unit(work)
        self._waiting.append(unit)
        if self._committing is None:
            self._serve()
        with WRITING:
            try:
                await asyncio.shield(unit.settled)
            except asyncio.CancelledError:
                # Whoever holds a lock on what is being written must not let go of it yet.
                while not unit.settled.done():
                    with suppress(asyncio.CancelledError):
                        await asyncio.wait([unit.settled])
                raise
            return unit.outcome()

    def _serve(self, _ended: asyncio.Task[None] | None = None) -> None:
        """Commit while anybody waits: a task that is cancelled is followed by another."""
        self._committing = None
        if self._waiting:
            self._committing = asyncio.create_task(self._commit_all())
            self._committing.add_done_callback(self._serve)

    async def _commit_all(self) -> None:
        # While one group is on its way to the disk, the next one gathers.
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
                self._lose(lost, why)
            except BaseException:
                log.exception("the store was interrupted; units_not_acknowledged=%d", len(group))
                self._lose(group, StoreUnavailable("the store was interrupted"))
                raise
            else:
                for unit in group:
                    unit.settled.set_result(None)

    async def _commit(self) -> None:
        try:
            await self._thread.commit()
        except asyncio.CancelledError:
            # The thread commits all the same, and may only be left when it is done.
            await self._thread.rollback()
            raise

    def _take_waiting(self) -> list[_Unit[Any]]:
        taken, self._waiting = self._waiting, []
        return taken

    def _lose(self, units: Sequence[_Unit[Any]], why: Exception) -> None:
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
