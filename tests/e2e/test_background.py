"""Background work does itself: nobody polls, and yet codes come and sessions end."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest

import kiwisms
from kiwisms.adapters.system import SystemClock
from kiwisms.domain.ids import AccountId
from kiwisms.domain.money import cents
from kiwisms.domain.rental_state import State
from kiwisms.testing.provider import FakeProvider
from kiwisms.testing.webhooks import FakeWebhookSender
from tests.postgres import database

PATIENT = kiwisms.Settings(secret_key="a secret for tests", sync_seconds=0.05)
QUICK = replace(PATIENT, session_seconds=1)


@pytest.fixture
def file(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path}/kiwisms.db"


@pytest.fixture(params=["memory", "sqlite", "postgres"])
async def store(request: pytest.FixtureRequest, file: str) -> AsyncIterator[str]:
    if request.param == "postgres":
        async with database() as url:
            yield url
    else:
        yield "memory://" if request.param == "memory" else file


@pytest.fixture
def provider() -> FakeProvider:
    return FakeProvider(SystemClock())


@asynccontextmanager
async def running(
    store: str, provider: FakeProvider, settings: kiwisms.Settings = QUICK
) -> AsyncIterator[kiwisms.Kiwisms]:
    async with kiwisms.open(
        store, provider=provider, settings=settings, webhooks=FakeWebhookSender()
    ) as kiwi:
        yield kiwi


async def customer(kiwi: kiwisms.Kiwisms) -> AccountId:
    account = await kiwi.accounts.create("ada@example.com")
    await kiwi.wallet.credit(account.id, "10.00", reason="top-up")
    return account.id


async def until(kiwi: kiwisms.Kiwisms, rental: kiwisms.Rental, state: State) -> kiwisms.Rental:
    """Read without asking upstream until the rental is in *state*."""
    while True:
        now = await kiwi.rentals.get(rental.account_id, rental.id, sync=False)
        if now.state is state:
            return now
        await asyncio.sleep(0.01)


async def test_a_code_comes_though_nobody_asks(store: str, provider: FakeProvider) -> None:
    async with running(store, provider) as kiwi:
        ada = await customer(kiwi)
        rental = await kiwi.rentals.rent(ada, service="go")
        provider.deliver("0042", to=rental.activation_id)
        received = await until(kiwi, rental, State.RECEIVED)
        assert [message.code for message in received.messages] == ["0042"]
        assert (await kiwi.wallet.balance(ada)).available == cents(1000 - 39)


async def test_a_session_ends_and_its_price_comes_back(store: str, provider: FakeProvider) -> None:
    async with running(store, provider) as kiwi:
        ada = await customer(kiwi)
        rental = await kiwi.rentals.rent(ada, service="go")
        await until(kiwi, rental, State.EXPIRED)
        assert (await kiwi.wallet.balance(ada)).available == cents(1000)


async def test_work_goes_on_after_a_restart(file: str, provider: FakeProvider) -> None:
    async with running(file, provider, PATIENT) as kiwi:
        rental = await kiwi.rentals.rent(await customer(kiwi), service="go")
    provider.deliver("0042", to=rental.activation_id)
    async with running(file, provider) as kiwi:
        await until(kiwi, rental, State.RECEIVED)
