"""The server is killed in the middle of everything, and what it had begun goes on."""

import asyncio
import signal
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import aiohttp
import pytest
from aiohttp import web
from attrs import frozen

from kiwisms.domain.ids import AccountId
from kiwisms.domain.incident import IncidentKind
from kiwisms.domain.rental_state import State
from tests.e2e.cli.programs import Kiwi, Upstream, until
from tests.e2e.cli.shop import new_key, serving

BEFORE = 8.83
AFTER = 9.22
HASTY = {
    # A request that nobody came back for is given up after twice this, and five seconds.
    "KIWISMS_PROVIDER_TIMEOUT_SECONDS": "1.5",
    "KIWISMS_SYNC_SECONDS": "0.1",
    "KIWISMS_WEBHOOK_ALLOW_PRIVATE": "1",
}


@frozen
class Receiver:
    """A customer's webhook address, which answers 503 until it is *well*."""

    url: str
    heard: list[str]
    well: asyncio.Event

    async def codes(self) -> list[str]:
        """What was heard, in its order."""
        return self.heard


@asynccontextmanager
async def receiver() -> AsyncIterator[Receiver]:
    heard: list[str] = []
    well = asyncio.Event()

    async def hear(request: web.Request) -> web.Response:
        heard.append((await request.json())["otpCode"])
        return web.Response(status=204 if well.is_set() else 503)

    runner = web.AppRunner(web.Application())
    runner.app.router.add_post("/", hear)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        yield Receiver(f"http://127.0.0.1:{runner.addresses[0][1]}/", heard, well)
    finally:
        await runner.cleanup()


def deliveries(shop: Kiwi, account_id: AccountId) -> Callable[[], Awaitable[Counter[str]]]:
    async def count() -> Counter[str]:
        async with shop.office() as office:
            found = await office.webhooks.deliveries(account_id)
        return Counter(str(each.status) for each in found)

    return count


async def test_what_was_begun_before_a_kill_goes_on(shop: Kiwi, provider: Upstream) -> None:
    key = await new_key(shop)
    async with receiver() as hook:
        async with shop.office() as office:
            ada_id = (await office.accounts.find("ada@example.com")).id
            await office.webhooks.set(ada_id, hook.url)

        async with serving(shop, key, **HASTY) as (server, ada):
            told, waiting = [(await ada.rent())[1]["rental"] for _ in range(2)]
            await provider.post("messages", code="0042", to=told["phone"])
            await until(hook.codes, ["0042"].__eq__)
            await provider.post("faults", kind="silent", action="getNumber")
            renting = asyncio.create_task(ada.rent())
            await until(provider.state, lambda now: now["requests"]["getNumber"] == 3)
            assert await ada.balance() == BEFORE
            await server.end(signal.SIGKILL)
            with pytest.raises(aiohttp.ClientError):
                await renting

        await provider.post("messages", code="77", to=waiting["phone"])
        hook.well.set()
        async with serving(shop, key, **HASTY) as (server, ada):
            assert await ada.balance() == BEFORE
            await until(hook.codes, lambda codes: codes[-1] == "77")
            # Two codes are paid for, and what was held for the answer that got lost is back.
            await until(ada.balance, AFTER.__eq__)
            await until(deliveries(shop, ada_id), {"DELIVERED": 2}.__eq__)
            await server.end(signal.SIGTERM)

        async with shop.office() as office:
            states = Counter(rental.state for rental in await office.rentals.all())
            assert states == {State.FAILED: 1, State.RECEIVED: 2}
            (incident,) = await office.ports.store.incidents(limit=9)
            assert incident.kind is IncidentKind.NOBODY_CAME_BACK
            assert (await office.wallet.audit()).violations == ()
