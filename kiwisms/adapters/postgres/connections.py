"""The connections of one process: opened as needed, shared, and replaced when they break."""

import logging
import re
import select
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from functools import cache, cached_property
from typing import Any, Final

import psycopg
from psycopg import AsyncConnection, AsyncCursor
from psycopg.conninfo import conninfo_to_dict
from psycopg.errors import ReadOnlySqlTransaction
from psycopg_pool import AsyncConnectionPool

from kiwisms.adapters.postgres.columns import ADAPTERS
from kiwisms.adapters.postgres.refusals import refusals
from kiwisms.adapters.postgres.statements.reads import ONE_MOMENT
from kiwisms.adapters.sql_rows.columns import Row
from kiwisms.domain.errors import ValidationRefused

log = logging.getLogger(__name__)

LONGEST_WAIT_SECONDS: Final = 5.0
"""How long one may wait for a connection."""
RECONNECT_SECONDS: Final = 1.0
"""How long the pool tries by itself; after that, whoever needs a connection makes it try."""

USUALLY: Final[Mapping[str, str]] = {
    "application_name": "kiwisms",
    "connect_timeout": "5",
    # A server that is gone without a word is noticed.
    "keepalives_idle": "10",
    "keepalives_interval": "5",
    "keepalives_count": "3",
    "tcp_user_timeout": "20000",
}
"""What is asked of libpq where the address does not say otherwise."""
WITHOUT_A_POOLER: Final[Mapping[str, str]] = {
    # Nobody may hold a lock, and so all others up, for ever. PgBouncer refuses such options.
    "options": "-c lock_timeout=10s -c idle_in_transaction_session_timeout=60s",
}

HALVES: Final = re.compile("[\ud800-\udfff]")

Parameters = Row | Mapping[str, Any]


class Connection(AsyncConnection[Row]):
    """A connection that keeps one cursor: to make one costs a fifth of a small statement."""

    @cached_property
    def kept(self) -> AsyncCursor[Row]:
        """The cursor, for one statement after the other."""
        return self.cursor()

    async def read_one(self, statement: str, parameters: Parameters = ()) -> Row | None:
        """Read the first row, if there is one."""
        rows = await self.read_all(statement, parameters)
        return rows[0] if rows else None

    async def read_all(self, statement: str, parameters: Parameters = ()) -> list[Row]:
        """Read every row; none for what no column can hold, such as a text with a NUL in it."""
        with refusals("read"):
            try:
                cursor = await self.kept.execute(_for_psycopg(statement), parameters)
                return await cursor.fetchall()
            except (psycopg.DataError, UnicodeEncodeError):
                return []

    async def write(self, statement: str, parameters: Parameters = ()) -> list[Row]:
        """Run a statement that writes and returns rows."""
        with refusals("write"):
            try:
                return await (await self.kept.execute(statement, parameters)).fetchall()
            except ReadOnlySqlTransaction:
                # No longer the primary: the pool is to find the new one.
                await self.close()
                raise


class Connections:
    """
    A pool, to be entered as an async context manager.

    Args:
        url: The server's address, as libpq takes it.
        most: How many connections there may be at once.
        prepare: Whether statements are prepared in the server. PgBouncer in transaction mode
            needs this to be off.

    Raises:
        StoreUnavailable: On entering, when the server cannot be reached or refuses.
        ValidationRefused: *url* is no such address.
    """

    def __init__(self, url: str, *, most: int, prepare: bool) -> None:
        self._how = _how(url, prepare=prepare)
        self._pool = AsyncConnectionPool(
            kwargs=self._how,
            connection_class=Connection,
            min_size=1,
            max_size=most,
            open=False,
            check=_check,
            timeout=LONGEST_WAIT_SECONDS,
            reconnect_timeout=RECONNECT_SECONDS,
        )

    async def __aenter__(self) -> "Connections":
        # The pool would only say that it had to wait, this says why.
        await (await self.apart()).close()
        await self._pool.open()
        return self

    async def __aexit__(self, *_exception: object) -> None:
        await self._pool.close()

    async def apart(self) -> Connection:
        """Open a connection beside the pool, for the caller to close."""
        with refusals("connection"):
            return await Connection.connect(**self._how)

    @asynccontextmanager
    async def one(self) -> AsyncIterator[Connection]:
        """Take a connection for the block; raises `StoreUnavailable` when there is none in time."""
        with refusals("connection"):
            connection = await self._pool.getconn()
        try:
            yield connection
        finally:
            await self._pool.putconn(connection)

    @asynccontextmanager
    async def one_moment(self) -> AsyncIterator[Connection]:
        """Take a connection of which all reads in the block see the same commits."""
        async with self.one() as connection:
            with refusals("read"):
                await connection.execute(ONE_MOMENT)
            yield connection
            with refusals("read"):
                await connection.execute("COMMIT")

    async def read_one(self, statement: str, parameters: Parameters = ()) -> Row | None:
        """Read the first row, if there is one."""
        async with self.one() as connection:
            return await connection.read_one(statement, parameters)

    async def read_all(self, statement: str, parameters: Parameters = ()) -> list[Row]:
        """Read every row."""
        async with self.one() as connection:
            return await connection.read_all(statement, parameters)

    async def write(self, statement: str, parameters: Parameters = ()) -> list[Row]:
        """Run one statement that is a transaction by itself."""
        async with self.one() as connection:
            return await connection.write(statement, parameters)


@cache
def _for_psycopg(statement: str) -> str:
    """Write the ``?`` of a statement that is for every database as psycopg wants them."""
    return statement.replace("?", "%s")


def can_be_held(text: str) -> bool:
    """Whether a column can hold *text*: no NUL, and no half of a surrogate pair."""
    return "\0" not in text and (text.isascii() or not HALVES.search(text))


def _how(url: str, *, prepare: bool) -> dict[str, Any]:
    try:
        given = conninfo_to_dict(url)
    except psycopg.ProgrammingError:
        # The driver's own words repeat the address, and there may be a password in it.
        raise ValidationRefused(
            "store_url",
            "is not a Postgres URL; write for example postgresql://user:password@host/kiwisms",
        ) from None
    unless_given = {**USUALLY, **(WITHOUT_A_POOLER if prepare else {})}
    return {
        **unless_given,
        **given,
        "autocommit": True,
        "context": ADAPTERS,
        "prepare_threshold": 0 if prepare else None,
    }


async def _check(connection: Connection) -> None:
    """Ask a connection whether it works, when something came unasked: mostly that is its end."""
    came = select.poll()
    came.register(connection.fileno(), select.POLLIN)
    if came.poll(0):
        await AsyncConnectionPool.check_connection(connection)
