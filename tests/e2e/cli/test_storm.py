"""A storm of kills under load: what was acknowledged is there, and all books agree."""

import asyncio
import os
import signal
import sys
from typing import Final

import pytest
from attrs import evolve

from tests.e2e.cli.careful import WIDE, Market, market
from tests.e2e.cli.processes import gone, workers
from tests.e2e.cli.programs import Kiwi, Running, Upstream, until

KILLS: Final = 20
LONGEST_LIFE: Final = 0.5
"""Seconds that a server lives at most, after it is up."""
KILLS_OF_ONE_WATCHER: Final = 4
"""Who dies again and again is replaced after ever longer pauses."""

pytestmark = [
    pytest.mark.skipif(sys.platform != "linux", reason="finds processes in /proc"),
    pytest.mark.timeout(120),
]


async def test_a_server_over_sqlite_is_killed(shop: Kiwi, provider: Upstream) -> None:
    secret = {"KIWISMS_SECRET_KEY": "a secret of the tests"}
    shop = evolve(shop, settings={**shop.settings, **WIDE, **secret})
    async with market(shop, provider) as town:
        async with town.trading():
            for _ in range(KILLS):
                async with shop.up(*town.serve) as server:
                    await live_on(town)
                    await server.end(signal.SIGKILL)
        await town.give_up_requests()
        async with shop.up(*town.serve):
            await town.finish()
        await town.assert_nothing_was_lost()


async def test_workers_over_postgres_are_killed(chain: Kiwi, provider: Upstream) -> None:
    chain = evolve(chain, settings={**chain.settings, **WIDE})
    async with market(chain, provider) as town:
        async with town.trading():
            for _ in range(KILLS // KILLS_OF_ONE_WATCHER):
                async with chain.up(*town.serve, "--workers", "2") as server:
                    for _ in range(KILLS_OF_ONE_WATCHER - 1):
                        await live_on(town)
                        await kill_one(town, server)
                    await live_on(town)
                    await kill_all(server)
        await town.give_up_requests()
        async with chain.up(*town.serve, "--workers", "2"):
            await town.finish()
        await town.assert_nothing_was_lost()


async def live_on(town: Market) -> None:
    await asyncio.sleep(town.chance.uniform(0, LONGEST_LIFE))


async def kill_one(town: Market, server: Running) -> None:
    alive = await until(lambda: asyncio.sleep(0, workers(server)), bool)
    os.kill(town.chance.choice(sorted(alive)), signal.SIGKILL)


async def kill_all(server: Running) -> None:
    """Kill the supervisor too, and let it begin nobody new meanwhile."""
    server.process.send_signal(signal.SIGSTOP)
    alive = workers(server)
    for pid in alive:
        os.kill(pid, signal.SIGKILL)
    await server.end(signal.SIGKILL)
    await gone(*alive)
