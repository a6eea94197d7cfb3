"""
Reads, asked on the event loop itself.

A row by its primary key takes a few microseconds, where a hop to a thread and back takes fifty;
and in WAL mode no writer ever holds a reader up.
"""

import asyncio
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

from kiwisms.adapters.sql_rows.columns import Row
from kiwisms.adapters.sqlite.refusals import READING

LONGEST_WAIT_SECONDS: Final = 1.0
"""Only a file that is just being created or recovered makes a reader wait."""

MOST_KEPT: Final = 1024
"""How many rows are kept at most, those that were asked for last."""

Parameters = Row | Mapping[str, Any]


class Reader:
    """A connection that cannot write; each read sees what was committed before it."""

    def __init__(self, path: Path) -> None:
        self._connection = sqlite3.connect(
            path, timeout=LONGEST_WAIT_SECONDS, isolation_level=None, cached_statements=256
        )
        self._connection.execute("PRAGMA query_only = ON")
        self._kept = lru_cache(maxsize=MOST_KEPT)(self.one)
        self._commits: Row | None = None
        self._is_current = False

    async def read_one(self, statement: str, parameters: Parameters = ()) -> Row | None:
        """Do as `one`, awaited as with every database; it never waits."""
        return self.one(statement, parameters)

    async def read_all(self, statement: str, parameters: Parameters = ()) -> list[Row]:
        """Do as `all`, awaited as with every database; it never waits."""
        return self.all(statement, parameters)

    def one(self, statement: str, parameters: Parameters = ()) -> Row | None:
        """Read the first row, if there is one."""
        rows = self.all(statement, parameters)
        return rows[0] if rows else None

    def kept(self, statement: str, parameters: Row) -> Row | None:
        """
        Do as `one`, or give again what was read before if nobody has committed since.

        For rows that are read over and over, such as those of a poll.
        """
        if not self._is_current:
            self._be_current()
        return self._kept(statement, parameters)

    def all(self, statement: str, parameters: Parameters = ()) -> list[Row]:
        """Read every row; none for what no column can hold, such as half a surrogate pair."""
        with READING, suppress(UnicodeEncodeError):
            return self._connection.execute(statement, parameters).fetchall()
        return []

    @contextmanager
    def one_moment(self) -> Iterator[None]:
        """Have all reads in the block see the same commits; they alone may be awaited in it."""
        with READING:
            self._connection.execute("BEGIN")
        try:
            yield
        finally:
            self._connection.execute("ROLLBACK")

    def close(self) -> None:
        """Let go of the file."""
        self._connection.close()

    def _be_current(self) -> None:
        """
        Forget what was read if anybody has committed since, in this process or another.

        Asking once is enough for all who read in one turn of the event loop. Whoever hears of a
        later commit hears of it in a later turn, because a loop runs what is due in the order in
        which it came.
        """
        with READING:
            commits = self._connection.execute("PRAGMA data_version").fetchone()
        if commits != self._commits:
            self._kept.cache_clear()
            self._commits = commits
        self._is_current = True
        asyncio.get_running_loop().call_soon(self._be_outdated)

    def _be_outdated(self) -> None:
        self._is_current = False
