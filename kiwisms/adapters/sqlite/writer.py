"""
Group commit: units of work that wait together are made durable together.

Each runs as a savepoint of one real transaction, and all are answered after its single fsync: the
disk's time is shared by all who write at once.
"""

import sqlite3
from collections import deque
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final, Generic, Self, TypeVar

import aiosqlite
from attrs import define, field

from kiwisms.adapters.sqlite.reader import DRIVER_ERRORS, refusals
from kiwisms.domain.errors import KiwismsError

LOCK_SECONDS: Final = 10.0
"""How long to wait while another process writes."""

T = TypeVar("T")
Work = Callable[[sqlite3.Connection], T]


@define(eq=False)
class _Unit(Generic[T]):
    """What somebody wants written, and what became of it."""

    work: Work[T]
    results: list[T] = field(factory=list, init=False)
    error: BaseException | None = field(default=None, init=False)

    def run(self, connection: sqlite3.Connection) -> None:
        """Do the work as a savepoint, which a failure takes back."""
        connection.execute("SAVEPOINT unit")
        try:
            self.results = [self.work(connection)]
        except (KiwismsError, *DRIVER_ERRORS) as why:
            self.error = why
            # A full or broken disk has taken back the transaction already: then this raises.
            connection.execute("ROLLBACK TO unit")
        connection.execute("RELEASE unit")

    def outcome(self) -> T:
        """What the work returned; raises what it raised, or why it was not made durable."""
        if self.error is not None:
            raise self.error
        return self.results[0]


def _group_connection(waiting: deque[_Unit[Any]]) -> type[sqlite3.Connection]:
    """Make a kind of connection whose `commit` runs all that waits, on aiosqlite's thread."""

    class GroupConnection(sqlite3.Connection):
        def commit(self) -> None:
            units = [waiting.popleft() for _ in range(len(waiting))]
            if not units:
                return
            try:
                self.execute("BEGIN IMMEDIATE")
                for unit in units:
                    unit.run(self)
                self.execute("COMMIT")
            except BaseException as why:
                for unit in units:
                    unit.error = unit.error or why
                if self.in_transaction:
                    self.execute("ROLLBACK")
                raise

    return GroupConnection


class Writer:
    """The only connection of this process that writes."""

    def __init__(self, connection: aiosqlite.Connection, waiting: deque[_Unit[Any]]) -> None:
        self._connection = connection
        self._waiting = waiting

    @classmethod
    async def open(cls, path: Path) -> Self:
        """Open the file, creating it when it is not there."""
        waiting: deque[_Unit[Any]] = deque()
        connection = aiosqlite.connect(
            path,
            factory=_group_connection(waiting),
            timeout=LOCK_SECONDS,
            isolation_level=None,
        )
        await connection
        try:
            for pragma in ("journal_mode = WAL", "synchronous = FULL", "foreign_keys = ON"):
                await connection.execute_fetchall(f"PRAGMA {pragma}")
        except BaseException:
            await connection.close()
            raise
        return cls(connection, waiting)

    async def write(self, work: Work[T]) -> T:
        """
        Run *work* in a transaction; when this returns, what it wrote is durable.

        Raises:
            StoreUnavailable: Nothing was written.
            KiwismsError: *work* raised it, and nothing was written.
        """
        unit = _Unit(work)
        self._waiting.append(unit)
        with refusals("write"):
            await self._connection.commit()
            return unit.outcome()

    async def close(self) -> None:
        """Finish what waits, and let go of the file."""
        await self._connection.close()
