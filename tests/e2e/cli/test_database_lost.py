"""The database goes away under load: the server goes on by itself, and nothing is lost."""

import asyncio
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

import psycopg
import pytest

from tests.e2e.cli.careful import WIDE, Market, market
from tests.e2e.cli.processes import workers
from tests.e2e.cli.programs import Kiwi, Upstream, until
from tests.postgres import Server, running

TRADE_SECONDS: Final = 1.5

pytestmark = [
    pytest.mark.skipif(sys.platform != "linux", reason="finds processes in /proc"),
    pytest.mark.timeout(120),
]


@pytest.fixture
def server() -> Iterator[Server]:
    with running() as given:
        yield given


@asynccontextmanager
async def town(folder: Path, provider: Upstream, store_url: str) -> AsyncIterator[Market]:
    """Have two workers over a database, and customers who trade until the block is left."""
    settings = {
        **provider.settings,
        **WIDE,
        "KIWISMS_STORE_URL": store_url,
        "KIWISMS_SECRET_KEY": "a secret of the tests",
    }
    with (folder / "server.log").open("wb") as log:
        kiwi = Kiwi(folder=folder, settings=settings, log=log)
        async with market(kiwi, provider, withdraws=True) as place:
            async with kiwi.up(*place.serve, "--workers", "2") as serving:
                before = workers(serving)
                async with place.trading():
                    await asyncio.sleep(TRADE_SECONDS)
                    yield place
                    await asyncio.sleep(TRADE_SECONDS)
                await place.give_up_requests()
                await place.finish()
                assert workers(serving) == before
            await place.assert_nothing_was_lost()
    assert "failed unexpectedly" not in (folder / "server.log").read_text()


async def test_the_database_crashes_and_comes_back(
    server: Server, tmp_path: Path, provider: Upstream
) -> None:
    async with town(tmp_path, provider, server.url()) as place:
        await asyncio.to_thread(server.stop, "immediate")
        await until(place.statuses, lambda told: told == {503})
        await asyncio.to_thread(server.start)
        await until(place.statuses, lambda told: told == {200})


async def test_a_standby_takes_over(server: Server, tmp_path: Path, provider: Upstream) -> None:
    standby = server.copy("standby-of-workers")
    standby.start()
    try:
        async with await psycopg.AsyncConnection.connect(server.url(), autocommit=True) as admin:
            await admin.execute("ALTER SYSTEM SET synchronous_standby_names = '*'")
            await admin.execute("SELECT pg_reload_conf()")
        both = (
            f"postgresql://postgres@/postgres?host={server.folder},{standby.folder}"
            "&target_session_attrs=read-write"
        )
        async with town(tmp_path, provider, both) as place:
            server.kill()
            await until(place.statuses, lambda told: told == {503})
            await asyncio.to_thread(standby.promote)
            await until(place.statuses, lambda told: told == {200})
    finally:
        standby.stop("immediate")
