"""kiwisms inside another program: every port can be that program's own, and so can the site."""

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

import aiohttp
import pytest
from aiohttp import web
from yarl import URL

import kiwisms
from kiwisms.adapters.memory import MemoryStore
from kiwisms.domain.ids import AccountId
from kiwisms.domain.money import cents
from kiwisms.ports.limits import Limit
from kiwisms.testing.clock import START, ManualClock
from kiwisms.testing.ids import CountingIds
from kiwisms.testing.provider import FakeProvider
from kiwisms.testing.webhooks import FakeWebhookSender
from tests.e2e.http.site import assert_is
from tests.held_call import HeldCall

Mounted = tuple[kiwisms.Kiwisms, aiohttp.ClientSession]

PUBLIC: Final = kiwisms.Settings(public_url="https://example.com/sms", rate_read_per_minute=2)


class BrokenStore(MemoryStore):
    """A store of one's own, with an error of its own."""

    class TornCable(kiwisms.StoreUnavailable):
        code = "TORN_CABLE"

    async def wallet(self, account_id: AccountId) -> kiwisms.Wallet | None:
        raise self.TornCable(account_id)


class StrictLimits:
    """A `Limits` of one's own: nobody may do anything."""

    def __init__(self) -> None:
        self.hits: list[tuple[str, str]] = []

    async def hit(self, limit: Limit, who: str) -> int:
        self.hits.append((limit.name, who))
        return 7


class AttendedProvider(FakeProvider):
    """A provider of one's own, which must be opened and closed."""

    is_open = False

    async def __aenter__(self) -> "AttendedProvider":
        self.is_open = True
        return self

    async def __aexit__(self, *_: object) -> None:
        self.is_open = False


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def provider(clock: ManualClock) -> AttendedProvider:
    return AttendedProvider(clock)


@asynccontextmanager
async def served(app: web.Application) -> AsyncIterator[aiohttp.ClientSession]:
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    host, port = runner.addresses[0][:2]
    try:
        async with aiohttp.ClientSession(f"http://{host}:{port}") as session:
            yield session
    finally:
        await runner.cleanup()


async def customer(kiwi: kiwisms.Kiwisms) -> AccountId:
    account = await kiwi.accounts.create("ada@example.com")
    await kiwi.wallet.credit(account.id, "10.00", reason="top-up")
    return account.id


async def key_of_a_customer(kiwi: kiwisms.Kiwisms) -> dict[str, str]:
    _, text = await kiwi.keys.create(await customer(kiwi))
    return {"X-API-Key": text}


async def test_clock_ids_and_provider(clock: ManualClock, provider: AttendedProvider) -> None:
    async with kiwisms.open("memory://", provider=provider, clock=clock, ids=CountingIds()) as kiwi:
        assert provider.is_open
        account = await kiwi.accounts.create("ada@example.com")
        assert (account.id, account.created_at) == ("00000000-0000-7000-8000-000000000001", START)
        await kiwi.wallet.credit(account.id, "1", reason="top-up")
        rental = await kiwi.rentals.rent(account.id, service="go")
        assert provider.on_rent.calls == 1
        assert [each.phone for each in provider.upstream.activations.values()] == [rental.phone]
    assert not provider.is_open


@pytest.mark.parametrize("url", ["kiwisms.db", "sqlite:///", "sqlite:///:memory:"])
def test_an_address_that_keeps_nothing_is_refused(
    url: str, provider: FakeProvider, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)

    async def use() -> None:
        async with kiwisms.open(url, provider=provider) as kiwi:
            await customer(kiwi)

    with pytest.raises(kiwisms.ValidationRefused, match=r"^store_url: .* or memory://"):
        asyncio.run(use())
    assert list(tmp_path.iterdir()) == []


async def test_webhooks_and_background_work(clock: ManualClock, provider: FakeProvider) -> None:
    sender = FakeWebhookSender()
    async with kiwisms.open("memory://", provider=provider, clock=clock, webhooks=sender) as kiwi:
        ada = await customer(kiwi)
        await kiwi.webhooks.set(ada, "https://ada.example.com/hook")
        await kiwi.rentals.rent(ada, service="go")
        provider.deliver("0042")
        async with asyncio.timeout(10):
            while not sender.tries:  # nobody polls: the background finds and sends it
                clock.advance(1)
                await asyncio.sleep(0)
    (sent,) = sender.tries
    assert sent.url == "https://ada.example.com/hook"
    assert b'"otpCode":"0042"' in sent.body


async def test_leaving_waits_for_a_rent_whose_caller_has_left(
    provider: FakeProvider, clock: ManualClock
) -> None:
    store = MemoryStore()
    call = HeldCall()
    provider.on_rent.next(meanwhile=call)
    async with kiwisms.open(store, provider=provider, clock=clock, background=False) as kiwi:
        ada = await customer(kiwi)
        renting = asyncio.create_task(kiwi.rentals.rent(ada, service="go"))
        await call.begun.wait()
        renting.cancel()
        asyncio.get_running_loop().call_later(0.05, call.may_end.set)
    async with kiwisms.open(store, provider=provider, clock=clock, background=False) as again:
        [rental] = await again.rentals.active(ada)
        assert [each.phone for each in provider.upstream.activations.values()] == [rental.phone]


async def test_terms_go_before_settings(provider: FakeProvider, clock: ManualClock) -> None:
    async with kiwisms.open(
        "memory://",
        provider=provider,
        clock=clock,
        settings=kiwisms.Settings(markup_percent=50),
        terms=kiwisms.Terms(markup_percent=100),
    ) as kiwi:
        rental = await kiwi.rentals.rent(await customer(kiwi), service="go")
        assert rental.price == cents(60)


async def test_a_store(provider: FakeProvider, clock: ManualClock) -> None:
    store = MemoryStore()
    async with kiwisms.open(store, provider=provider, clock=clock) as kiwi:
        ada = await customer(kiwi)
    async with kiwisms.open(store, provider=provider, clock=clock) as again:
        assert (await again.wallet.balance(ada)).available == cents(1000)


async def test_a_stores_own_error_is_answered_by_its_kind(
    provider: FakeProvider, caplog: pytest.LogCaptureFixture
) -> None:
    async with (
        kiwisms.open(BrokenStore(), provider=provider, background=False) as kiwi,
        served(kiwi.http()) as session,
    ):
        account = await kiwi.accounts.create("ada@example.com")
        _, key = await kiwi.keys.create(account.id)
        async with session.get("/api/v1/balance", headers={"X-API-Key": key}) as answer:
            assert answer.status == 503
            assert_is("Error", await answer.json())
    assert "TornCable" in caplog.text


async def test_limits(provider: FakeProvider) -> None:
    limits = StrictLimits()
    async with (
        kiwisms.open("memory://", provider=provider, limits=limits, background=False) as kiwi,
        served(kiwi.http()) as session,
    ):
        key = await key_of_a_customer(kiwi)
        async with session.get("/api/v1/balance", headers=key) as answer:
            assert (answer.status, answer.headers["Retry-After"]) == (429, "7")
        async with session.get("/api/public/pricing") as answer:
            assert answer.status == 429
    assert [name for name, _ in limits.hits] == ["read", "public"]


@asynccontextmanager
async def mounted(provider: FakeProvider) -> AsyncIterator[Mounted]:
    """A site with a page of its own, and kiwisms below ``/sms``."""

    async def home(_request: web.Request) -> web.Response:
        return web.Response(text="home")

    async with kiwisms.open(
        "memory://", provider=provider, settings=PUBLIC, background=False
    ) as kiwi:
        site = web.Application()
        site.router.add_get("/", home)
        site.add_subapp("/sms", kiwi.http())
        async with served(site) as session:
            yield kiwi, session


async def test_below_a_prefix_the_contract_holds(provider: FakeProvider) -> None:
    async with mounted(provider) as (kiwi, session):
        key = await key_of_a_customer(kiwi)
        order = {"service": "go"}
        async with session.post("/sms/api/v1/rentals", headers=key, json=order) as answer:
            assert answer.status == 201
            rental = (await answer.json())["rental"]
            assert_is("RentalCreated", rental)
        async with session.get(f"/sms/api/v1/rentals/{rental['id']}", headers=key) as answer:
            assert_is("RentalResponse", await answer.json())
        for method, path, status in (
            ("GET", "/sms/nothing", 404),
            ("PUT", "/sms/api/v1/balance", 405),
            ("GET", "/sms/api/v1/balance", 401),
        ):
            async with session.request(method, path) as answer:
                assert answer.status == status
                assert_is("Error", await answer.json())
        for path in ("/sms/livez", "/sms/readyz"):
            async with session.get(path) as answer:
                assert answer.status == 200
        async with session.get("/sms/metrics") as answer:
            assert 'route="/sms/api/v1/rentals/{id}"' in await answer.text()


async def test_below_a_prefix_the_site_keeps_its_own(provider: FakeProvider) -> None:
    async with mounted(provider) as (_, session):
        async with session.get("/") as answer:
            assert await answer.text() == "home"
        async with session.get("/api/v1/balance") as answer:
            assert (answer.status, answer.content_type) == (404, "text/plain")


async def test_below_a_prefix_the_reference_finds_its_files(provider: FakeProvider) -> None:
    async with mounted(provider) as (_, session):
        async with session.get("/sms/docs") as answer:
            page, base = await answer.text(), answer.url
        named = re.findall(r'(?:href|src|apiDescriptionUrl)="([^"]+)"', page)
        assert {name.rpartition(".")[2] for name in named} == {"css", "ico", "js", "json"}
        for name in named:
            async with session.get(base.join(URL(name))) as answer:
                assert answer.status == 200, name
                assert answer.url.path.startswith("/sms/")
        async with session.get("/sms/openapi.json") as answer:
            (server,) = (await answer.json())["servers"]
            assert server["url"] == "https://example.com/sms"


async def test_http_has_the_settings_that_kiwisms_was_opened_with(provider: FakeProvider) -> None:
    async with mounted(provider) as (kiwi, session):
        key = await key_of_a_customer(kiwi)
        statuses = []
        for _ in range(3):
            async with session.get("/sms/api/v1/balance", headers=key) as answer:
                statuses.append(answer.status)
        assert statuses == [200, 200, 429]
