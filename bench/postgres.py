"""A durable Postgres of our own, whose databases are copies of a filled one."""

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

# Not /tmp, which may be in memory. Another user, as whom the server may run, can read this.
PARENT: Final = Path("/var/tmp")  # noqa: S108
BOOK: Final = Path(__file__).with_name("book.sql").read_text()
ACCOUNTS: Final = [str(number) for number in range(1, 1001)]
"""The accounts that `BOOK` creates."""
FILLED: Final = "filled"


@define
class Postgres:
    """A running server, with a database that is only copied and never used itself."""

    server: Server
    _databases: int = field(default=0, init=False)

    def fresh(self) -> str:
        """Make a database with the schema and the rows of `BOOK`, and return its address."""
        self._databases += 1
        name = f"fresh_{self._databases}"
        with psycopg.connect(self.server.url(), autocommit=True) as admin:
            admin.execute(f"CREATE DATABASE {name} TEMPLATE {FILLED}".encode())
            admin.execute("CHECKPOINT")
        return self.server.url(name)

    def processor_seconds(self) -> float:
        """Return the processor time of all the server's processes, in seconds."""
        pid = int((self.server.data / "postmaster.pid").read_text().split("\n", 1)[0])
        seconds = 0.0
        for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split():
            # A process that has just ended is counted with its parent.
            with suppress(FileNotFoundError, ProcessLookupError):
                seconds += processor_seconds(int(child))
        return seconds + processor_seconds(pid, with_ended_children=True)


@contextmanager
def running_postgres() -> Iterator[Postgres]:
    """Run a server that syncs every commit, while the block runs."""
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
