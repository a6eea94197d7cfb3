"""
Reads, which run on the event loop itself.

A read by primary key takes a few microseconds, and a thread switch would take fifty. In WAL mode a
writer never blocks a reader.
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
"""A reader waits only for a file that is being created or recovered."""

MAX_CACHED: Final = 1024
"""How many rows are cached at most; the least recently used are dropped."""

Parameters = Row | Mapping[str, Any]


class Reader:
    """A read-only connection; each read sees everything that was committed before it."""

    def __init__(self, path: Path) -> None:
        self._connection = sqlite3.connect(
            path, timeout=LONGEST_WAIT_SECONDS, isolation_level=None, cached_statements=256
        )
        self._connection.execute("PRAGMA query_only = ON")
        self._cached = lru_cache(maxsize=MAX_CACHED)(self.one)
        self._commits: Row | None = None
        self._is_current = False

    async def read_one(self, statement: str, parameters: Parameters = ()) -> Row | None:
        """Like `one`, with the interface that all databases share; it never waits."""
        return self.one(statement, parameters)

    async def read_all(self, statement: str, parameters: Parameters = ()) -> list[Row]:
        """Like `all`, with the interface that all databases share; it never waits."""
        return self.all(statement, parameters)

    def one(self, statement: str, parameters: Parameters = ()) -> Row | None:
        """Read the first row, if there is one."""
        rows = self.all(statement, parameters)
        return rows[0] if rows else None

    def cached(self, statement: str, parameters: Row) -> Row | None:
        """
        Like `one`, but return a cached row if there was no commit since it was read.

        This is for rows that are read often, such as those of a poll.
        """
        if not self._is_current:
            self._refresh()
        return self._cached(statement, parameters)

    def all(self, statement: str, parameters: Parameters = ()) -> list[Row]:
        """Read all rows; none when a parameter fits no column, such as half a surrogate pair."""
        with READING, suppress(UnicodeEncodeError):
            return self._connection.execute(statement, parameters).fetchall()
        return []

    @contextmanager
    def snapshot(self) -> Iterator[None]:
        """Read one snapshot in the block, which must await nothing but reads."""
        with READING:
            self._connection.execute("BEGIN")
        try:
            yield
        finally:
            self._connection.execute("ROLLBACK")

    def close(self) -> None:
        """Close the file."""
        self._connection.close()

    def _refresh(self) -> None:
        """
        Clear the cache if there was a commit since, in this process or another.

        One check is enough for all reads in one iteration of the event loop. A task can learn of a
        later commit only in a later iteration, since a loop runs its callbacks in order.
        """
        with READING:
            commits = self._connection.execute("PRAGMA data_version").fetchone()
        if commits != self._commits:
            self._cached.cache_clear()
            self._commits = commits
        self._is_current = True
        asyncio.get_running_loop().call_soon(self._mark_outdated)

    def _mark_outdated(self) -> None:
        self._is_current = False
