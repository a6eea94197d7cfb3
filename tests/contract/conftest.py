"""Fixtures of the contract suites."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from kiwisms.adapters.postgres import PostgresStore
from kiwisms.adapters.sqlite import SqliteStore
from kiwisms.ports.store import Store
from tests.contract.stores import BOB, OPEN, account
from tests.postgres import database


@pytest.fixture(params=OPEN)
async def store(request: pytest.FixtureRequest) -> AsyncIterator[Store]:
    """A fresh store that knows Ada and Bob."""
    async with OPEN[request.param]() as opened:
        await opened.create_account(account())
        await opened.create_account(account(BOB, "bob@example.com"))
        yield opened


@pytest.fixture(params=["sqlite", "postgres"])
async def both(
    request: pytest.FixtureRequest, tmp_path: Path
) -> AsyncIterator[tuple[Store, Store]]:
    """Two stores on one database, as two processes have them."""
    async with AsyncExitStack() as stack:
        if request.param == "sqlite":
            file = tmp_path / "kiwisms.db"
            first, second = [await stack.enter_async_context(SqliteStore(file)) for _ in range(2)]
            await first.migrate()
            yield first, second
            return
        url = await stack.enter_async_context(database())
        one, other = [await stack.enter_async_context(PostgresStore(url)) for _ in range(2)]
        yield one, other
