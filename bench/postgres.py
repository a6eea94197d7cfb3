"""A Postgres of our own, durable, whose databases are copies of one that is filled."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

import psycopg
from attrs import define, field

from bench.programs import processor_seconds
from kiwisms.adapters.postgres import PostgresStore
from tests.postgres import Server, guarded_folder
from tests.postgres import running as running_server

# The server may run as another user, who must get there; and /tmp may be in memory.
PARENT: Final = Path("/var/tmp")  # noqa: S108
BOOK: Final = Path(__file__).with_name("book.sql").read_text()
ACCOUNTS: Final = [str(number) for number in range(1, 1001)]
"""Whom `BOOK` creates."""
FILLED: Final = "filled"


@define
class Postgres:
    """A server that runs, with a database that is to be copied and never used."""

    server: Server
    _databases: int = field(default=0, init=False)

    def fresh(self) -> str:
        """Make a database with the schema and what `BOOK` fills in; give its address."""
        self._databases += 1
        name = f"fresh_{self._databases}"
        with psycopg.connect(self.server.url(), autocommit=True) as admin:
            admin.execute(f"CREATE DATABASE {name} TEMPLATE {FILLED}".encode())
            admin.execute("CHECKPOINT")
        return self.server.url(name)

    def processor_seconds(self) -> float:
        """How long cores have worked for the server, all its processes together."""
        pid = int((self.server.data / "postmaster.pid").read_text().split("\n", 1)[0])
        seconds = 0.0
        for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split():
            # One that has just ended is counted with its parent.
            with suppress(FileNotFoundError, ProcessLookupError):
                seconds += processor_seconds(int(child))
        return seconds + processor_seconds(pid, with_ended_children=True)


@contextmanager
def running_postgres() -> Iterator[Postgres]:
    """Run a server that syncs every commit, for the block."""
    with guarded_folder(PARENT), running_server(shared_buffers="256MB") as server:
        with psycopg.connect(server.url(), autocommit=True) as admin:
            admin.execute(f"CREATE DATABASE {FILLED}".encode())
        asyncio.run(_migrate(server.url(FILLED)))
        with psycopg.connect(server.url(FILLED), autocommit=True) as filled:
            filled.execute(BOOK.encode())
            filled.execute("VACUUM ANALYZE")
        yield Postgres(server)


async def _migrate(url: str) -> None:
    async with PostgresStore(url) as store:
        await store.migrate()
