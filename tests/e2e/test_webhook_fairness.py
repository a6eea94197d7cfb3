"""A receiver that hangs, with hundreds of events due, holds up nobody else's."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import pytest
from aiohttp import web
from attrs import define, field

import kiwisms
from kiwisms.adapters.system import SystemClock
from kiwisms.application.background import FAIR_SHARE
from kiwisms.domain.delivery import Delivery, DeliveryStatus
from kiwisms.domain.ids import AccountId, DeliveryId
from kiwisms.testing.provider import FakeProvider

SETTINGS = kiwisms.Settings(sync_seconds=0.05, webhook_allow_private=True)
DUE = 200


@define
class Receiver:
    """A server with one address that hangs until it is released, and one that answers."""

    url: str = ""
    hanging: set[str] = field(factory=set)
    has_a_share: asyncio.Event = field(factory=asyncio.Event)
    released: asyncio.Event = field(factory=asyncio.Event)
    answered: asyncio.Event = field(factory=asyncio.Event)
    came: Counter[str] = field(factory=Counter)

    async def hang(self, request: web.Request) -> web.Response:
        event = request.headers["webhook-id"]
        self.came[event] += 1
        self.hanging.add(event)
        if len(self.hanging) >= FAIR_SHARE:
            self.has_a_share.set()
        await self.released.wait()
        self.hanging.discard(event)
        return web.Response()

    async def answer(self, _request: web.Request) -> web.Response:
        self.answered.set()
        return web.Response()


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    own = Receiver()
    app = web.Application()
    app.add_routes([web.post("/hangs", own.hang), web.post("/answers", own.answer)])
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    host, port = runner.addresses[0][:2]
    own.url = f"http://{host}:{port}"
    yield own
    await runner.cleanup()


@asynccontextmanager
async def running(
    store: str, provider: FakeProvider, programs: int
) -> AsyncIterator[kiwisms.Kiwisms]:
    async with AsyncExitStack() as stack:
        kiwis = [
            await stack.enter_async_context(
                kiwisms.open(store, provider=provider, settings=SETTINGS)
            )
            for _ in range(programs)
        ]
        yield kiwis[0]


async def owe(kiwi: kiwisms.Kiwisms, account_id: AccountId) -> None:
    now = kiwi.ports.clock.now()
    async with kiwi.ports.store.transaction(account_id) as tx:
        for number in range(DUE):
            tx.save(
                Delivery(
                    id=DeliveryId(f"due-{number:03}"),
                    account_id=account_id,
                    event="sms.received",
                    rental_id=None,
                    body="{}",
                    created_at=now,
                    due_at=now,
                )
            )


async def until_all_are_delivered(kiwi: kiwisms.Kiwisms, account_id: AccountId) -> None:
    status = set[DeliveryStatus]()
    while status != {DeliveryStatus.DELIVERED}:
        await asyncio.sleep(0.01)
        found = await kiwi.webhooks.deliveries(account_id, limit=2 * DUE)
        status = {delivery.status for delivery in found}


@pytest.mark.parametrize(
    ("store", "programs"),
    [("memory://", 1), ("sqlite:///{}/kiwisms.db", 1), ("sqlite:///{}/kiwisms.db", 2)],
)
async def test_an_event_arrives_although_hundreds_of_another_account_hang(
    store: str, programs: int, tmp_path: Path, receiver: Receiver
) -> None:
    provider = FakeProvider(SystemClock())
    async with running(store.format(tmp_path), provider, programs) as kiwi:
        ada = await kiwi.accounts.create("ada@example.com")
        bob = await kiwi.accounts.create("bob@example.com")
        await kiwi.wallet.credit(bob.id, "1.00", reason="top-up")
        await kiwi.webhooks.set(ada.id, f"{receiver.url}/hangs")
        await kiwi.webhooks.set(bob.id, f"{receiver.url}/answers")
        try:
            await owe(kiwi, ada.id)
            await receiver.has_a_share.wait()
            rental = await kiwi.rentals.rent(bob.id, service="go")
            provider.deliver("0042", to=rental.activation_id)
            # Before any of the tries that hang is given up, which takes ten seconds.
            async with asyncio.timeout(5):
                await receiver.answered.wait()
            assert FAIR_SHARE <= len(receiver.hanging) < programs * 2 * FAIR_SHARE
        finally:
            receiver.released.set()
        await until_all_are_delivered(kiwi, ada.id)
        assert receiver.came == {f"due-{number:03}": 1 for number in range(DUE)}
