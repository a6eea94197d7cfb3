"""Opens the store at an address, and the notices that go with it."""

import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, TypeGuard

from kiwisms.adapters.local_notices import LocalNotices
from kiwisms.adapters.memory import MemoryStore
from kiwisms.domain.errors import ValidationRefused
from kiwisms.entrypoints.addresses import MEMORY, SQLITE, STORES, is_postgres, is_sqlite
from kiwisms.entrypoints.extras import importing_extra
from kiwisms.entrypoints.settings import Settings
from kiwisms.ports.clock import Clock
from kiwisms.ports.notices import Notices
from kiwisms.ports.store import Store

if TYPE_CHECKING:
    from kiwisms.adapters.postgres import PostgresStore


@asynccontextmanager
async def open_store(
    store: str | Store, settings: Settings, *, upgrade: bool = True
) -> AsyncIterator[Store]:
    """
    Open a store while the block runs.

    Args:
        store: Its address, as for `kiwisms.open`, or a store of one's own.
        settings: How connections to Postgres are made.
        upgrade: Whether to bring its schema up to date.

    Raises:
        ValidationRefused: The address cannot be used, or the library for it is not installed.
    """
    if not isinstance(store, str):
        yield store
    elif store == MEMORY:
        yield MemoryStore()
    elif is_postgres(store):
        # Each driver comes with an extra, which other installations need not have.
        with importing_extra("postgres", "store_url"):
            from kiwisms.adapters.postgres import PostgresStore
        async with PostgresStore(
            store, pool=settings.postgres_pool, prepare=settings.postgres_prepare
        ) as opened:
            if upgrade:
                await opened.migrate()
            yield opened
    else:
        with importing_extra("sqlite", "store_url"):
            from kiwisms.adapters.sqlite import SqliteStore
        async with SqliteStore(sqlite_path(store)) as opened:
            if upgrade:
                await opened.migrate()
            yield opened


def open_notices(store: Store, clock: Clock) -> Notices:
    """Make the notices between all processes that share a Postgres, or else within this one."""
    local = LocalNotices(clock)
    if not is_in_postgres(store):
        return local
    from kiwisms.adapters.postgres import PostgresNotices

    return PostgresNotices(store, local)


def is_in_postgres(store: Store) -> TypeGuard["PostgresStore"]:
    """Whether a store keeps its rows in Postgres."""
    # Looked up and not imported: the driver is slow to import, and may not be installed.
    postgres = sys.modules.get("kiwisms.adapters.postgres")
    return postgres is not None and isinstance(store, postgres.PostgresStore)


def sqlite_path(store_url: str) -> Path:
    """
    Return the file in ``sqlite:///relative`` or ``sqlite:////absolute``.

    Raises:
        ValidationRefused: It is not such an address.
    """
    if not is_sqlite(store_url):
        raise ValidationRefused("store_url", f"must be {STORES}")
    return Path(store_url.removeprefix(SQLITE))


def store_file(store_url: str) -> Path | None:
    """Return the file of a SQLite store, else ``None``. Raises as `sqlite_path` does."""
    return sqlite_path(store_url) if store_url.startswith(SQLITE) else None


def missing_folder(store_url: str) -> Path | None:
    """Return the folder of a SQLite store if it does not exist. Raises as `sqlite_path` does."""
    file = store_file(store_url)
    folder = file and file.absolute().parent
    return None if folder is None or folder.is_dir() else folder
