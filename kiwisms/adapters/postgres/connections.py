"""The connection pool of one process, which replaces broken connections."""

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
from kiwisms.adapters.postgres.statements.reads import BEGIN_SNAPSHOT
from kiwisms.adapters.sql_rows.columns import Row
from kiwisms.domain.errors import ValidationRefused

log = logging.getLogger(__name__)

LONGEST_WAIT_SECONDS: Final = 5.0
"""The longest wait for a connection."""
RECONNECT_SECONDS: Final = 1.0
"""How long the pool reconnects by itself; after that, each request for a connection tries."""

DEFAULTS: Final[Mapping[str, str]] = {
    "application_name": "kiwisms",
    "connect_timeout": "5",
    # These notice a server that disappeared silently.
    "keepalives_idle": "10",
    "keepalives_interval": "5",
    "keepalives_count": "3",
    "tcp_user_timeout": "20000",
}
"""Options of libpq, unless the address sets them."""
DEFAULTS_WITHOUT_POOLER: Final[Mapping[str, str]] = {
    # No transaction may hold a lock for ever and block all others. PgBouncer refuses such options.
    "options": "-c lock_timeout=10s -c idle_in_transaction_session_timeout=60s",
}

SURROGATES: Final = re.compile("[\ud800-\udfff]")

Parameters = Row | Mapping[str, Any]


class Connection(AsyncConnection[Row]):
    """A connection with one reused cursor: a new one costs a fifth of a small statement."""

    @cached_property
    def reused_cursor(self) -> AsyncCursor[Row]:
        """The cursor for all statements, one after the other."""
        return self.cursor()

    async def read_one(self, statement: str, parameters: Parameters = ()) -> Row | None:
        """Read the first row, if there is one."""
        rows = await self.read_all(statement, parameters)
        return rows[0] if rows else None

    async def read_all(self, statement: str, parameters: Parameters = ()) -> list[Row]:
        """Read all rows; none when a parameter fits no column, such as a text with a NUL."""
        with refusals("read"):
            try:
                cursor = await self.reused_cursor.execute(_for_psycopg(statement), parameters)
                return await cursor.fetchall()
            except (psycopg.DataError, UnicodeEncodeError):
                return []

    async def write(self, statement: str, parameters: Parameters = ()) -> list[Row]:
        """Run a statement that writes and returns rows."""
        with refusals("write"):
            try:
                return await (await self.reused_cursor.execute(statement, parameters)).fetchall()
            except ReadOnlySqlTransaction:
                # The server is no longer the primary: the pool must connect to the new one.
                await self.close()
                raise


class Connections:
    """
    A connection pool, used as an async context manager.

    Args:
        url: The server's address, in the form of libpq.
        max_size: How many connections may be open at once.
        prepare: Whether statements are prepared in the server. PgBouncer in transaction mode
            needs this to be off.

    Raises:
        StoreUnavailable: On entering, when the server is unreachable or refuses.
        ValidationRefused: *url* is not a valid address.
    """

    def __init__(self, url: str, *, max_size: int, prepare: bool) -> None:
        self._options = _options(url, prepare=prepare)
        self._pool = AsyncConnectionPool(
            kwargs=self._options,
            connection_class=Connection,
            min_size=1,
            max_size=max_size,
            open=False,
            check=_check,
            timeout=LONGEST_WAIT_SECONDS,
            reconnect_timeout=RECONNECT_SECONDS,
        )

    async def __aenter__(self) -> "Connections":
        # The pool would report only a timeout; this connection reports the cause.
        await (await self.dedicated()).close()
        await self._pool.open()
        return self

    async def __aexit__(self, *_exception: object) -> None:
        await self._pool.close()

    async def dedicated(self) -> Connection:
        """Open a connection outside the pool; the caller closes it."""
        with refusals("connection"):
            return await Connection.connect(**self._options)

    @asynccontextmanager
    async def connection(self) -> AsyncIterator[Connection]:
        """Take a connection for the block; raises `StoreUnavailable` when none is free in time."""
        with refusals("connection"):
            connection = await self._pool.getconn()
        try:
            yield connection
        finally:
            await self._pool.putconn(connection)

    @asynccontextmanager
    async def snapshot(self) -> AsyncIterator[Connection]:
        """Take a connection on which all reads in the block see the same snapshot."""
        async with self.connection() as connection:
            with refusals("read"):
                await connection.execute(BEGIN_SNAPSHOT)
            yield connection
            with refusals("read"):
                await connection.execute("COMMIT")

    async def read_one(self, statement: str, parameters: Parameters = ()) -> Row | None:
        """Read the first row, if there is one."""
        async with self.connection() as connection:
            return await connection.read_one(statement, parameters)

    async def read_all(self, statement: str, parameters: Parameters = ()) -> list[Row]:
        """Read every row."""
        async with self.connection() as connection:
            return await connection.read_all(statement, parameters)

    async def write(self, statement: str, parameters: Parameters = ()) -> list[Row]:
        """Run one statement as its own transaction."""
        async with self.connection() as connection:
            return await connection.write(statement, parameters)


@cache
def _for_psycopg(statement: str) -> str:
    """Replace each ``?`` of a shared statement with the placeholder of psycopg."""
    return statement.replace("?", "%s")


def can_be_held(text: str) -> bool:
    """Whether a column can hold *text*: it has no NUL, and no half of a surrogate pair."""
    return "\0" not in text and (text.isascii() or not SURROGATES.search(text))


def _options(url: str, *, prepare: bool) -> dict[str, Any]:
    try:
        given = conninfo_to_dict(url)
    except psycopg.ProgrammingError:
        # The driver's message repeats the address, which may have a password in it.
        raise ValidationRefused(
            "store_url",
            "is not a Postgres URL; write for example postgresql://user:password@host/kiwisms",
        ) from None
    unless_given = {**DEFAULTS, **(DEFAULTS_WITHOUT_POOLER if prepare else {})}
    return {
        **unless_given,
        **given,
        "autocommit": True,
        "context": ADAPTERS,
        "prepare_threshold": 0 if prepare else None,
    }


async def _check(connection: Connection) -> None:
    """Check a connection that has unexpected input: mostly the server has closed it."""
    pending = select.poll()
    pending.register(connection.fileno(), select.POLLIN)
    if pending.poll(0):
        await AsyncConnectionPool.check_connection(connection)
