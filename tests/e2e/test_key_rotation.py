"""The key that seals secrets is replaced, while everything goes on, until the old one can go."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

import kiwisms
from kiwisms.adapters.no_provider import NoProvider
from kiwisms.domain.ids import AccountId
from kiwisms.entrypoints.wiring.engines import open_for_operator
from kiwisms.ports.vault import VaultLocked
from tests.postgres import database

FIRST = "the first key of this shop"
SECOND = "the second key of this shop"
URL = "https://example.com/hook"


@pytest.fixture(params=["sqlite", "postgres"])
async def first(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[kiwisms.Settings]:
    if request.param == "sqlite":
        yield kiwisms.Settings(store_url=f"sqlite:///{tmp_path}/kiwisms.db", secret_key=FIRST)
        return
    async with database() as url:
        yield kiwisms.Settings(store_url=url, secret_key=FIRST)


@pytest.fixture
def both(first: kiwisms.Settings) -> kiwisms.Settings:
    return replace(first, secret_key=SECOND, old_secret_key=FIRST)


@pytest.fixture
def second(first: kiwisms.Settings) -> kiwisms.Settings:
    return replace(first, secret_key=SECOND)


async def new_account(settings: kiwisms.Settings, email: str) -> tuple[AccountId, str]:
    """An account with an address, and the secret that signs."""
    async with open_for_operator(settings) as kiwi:
        account = await kiwi.accounts.create(email)
        _, secret = await kiwi.webhooks.set(account.id, URL)
    return account.id, secret


async def secret_of(settings: kiwisms.Settings, account_id: AccountId) -> str:
    async with open_for_operator(settings) as kiwi:
        return (await kiwi.webhooks.show(account_id))[1]


async def test_after_sealing_anew_the_old_key_can_go(
    first: kiwisms.Settings, both: kiwisms.Settings, second: kiwisms.Settings
) -> None:
    ada, secret = await new_account(first, "ada@example.com")
    bob, _ = await new_account(first, "bob@example.com")
    async with open_for_operator(first) as kiwi:
        _, rotated = await kiwi.webhooks.rotate(bob)
        prefix = (await kiwi.keys.create(bob))[0].prefix
        _, keys_own = await kiwi.webhooks.set(bob, URL, key_prefix=prefix)

    async with open_for_operator(both) as kiwi:
        done = await kiwi.webhooks.reseal()
        assert (done.resealed, done.unchanged, done.locked) == (3, 0, [])
        again = await kiwi.webhooks.reseal()
        assert (again.resealed, again.unchanged, again.locked) == (0, 3, [])

    assert await secret_of(second, ada) == secret
    async with open_for_operator(second) as kiwi:
        webhook, current = await kiwi.webhooks.show(bob)
        assert current == rotated
        vault = kiwi.ports.vault
        assert len([vault.open(each) for each in webhook.signing(kiwi.ports.clock.now())]) == 2
        assert (await kiwi.webhooks.show(bob, key_prefix=prefix))[1] == keys_own
    with pytest.raises(VaultLocked):
        await secret_of(first, ada)


async def test_a_secret_of_neither_key_is_left_alone_and_told(
    first: kiwisms.Settings, both: kiwisms.Settings
) -> None:
    lost, secret = await new_account(
        replace(first, secret_key="a key that was lost"), "lost@example.com"
    )
    ada, _ = await new_account(first, "ada@example.com")
    async with open_for_operator(both) as kiwi:
        done = await kiwi.webhooks.reseal()
        assert (done.resealed, done.unchanged) == (1, 0)
        assert [each.account_id for each in done.locked] == [lost]
        assert (await kiwi.webhooks.show(ada))[0].url == URL
    assert await secret_of(replace(first, secret_key="a key that was lost"), lost) == secret


async def test_beside_a_server_nothing_is_lost(
    first: kiwisms.Settings, both: kiwisms.Settings, second: kiwisms.Settings
) -> None:
    accounts = [(await new_account(first, f"{n}@example.com"))[0] for n in range(8)]
    async with open_for_operator(both) as server, open_for_operator(both) as command:
        told = await asyncio.gather(
            *(server.webhooks.rotate(each) for each in accounts),
            command.webhooks.reseal(),
            server.webhooks.reseal(),
            *(server.webhooks.set(each, URL + "/new") for each in accounts),
        )
    secrets = [each[1] for each in told[:8] if isinstance(each, tuple)]
    for account, secret in zip(accounts, secrets, strict=True):
        assert await secret_of(second, account) == secret


async def test_the_address_for_pushes_works_as_long_as_the_old_key_is_named(
    first: kiwisms.Settings, both: kiwisms.Settings, second: kiwisms.Settings
) -> None:
    addresses = []
    for settings in (first, both, second):
        async with open_for_operator(settings) as kiwi:
            addresses.append(kiwi.pushes.secret)
    old, current, later = addresses
    assert old != current == later
    async with open_for_operator(both) as kiwi:
        assert kiwi.pushes.knows(old)
        assert kiwi.pushes.knows(current)
    async with open_for_operator(second) as kiwi:
        assert not kiwi.pushes.knows(old)


async def test_the_file_beside_the_store_is_replaced_by_moving_it_away(tmp_path: Path) -> None:
    settings = kiwisms.Settings(store_url=f"sqlite:///{tmp_path}/kiwisms.db")
    ada, secret = await new_account(settings, "ada@example.com")
    file, old = tmp_path / "kiwisms.db.key", tmp_path / "kiwisms.db.key.old"
    before = file.read_text()
    file.rename(old)
    async with open_for_operator(settings) as kiwi:
        assert (await kiwi.webhooks.show(ada))[1] == secret
        assert (await kiwi.webhooks.reseal()).resealed == 1
    assert file.read_text() != before
    old.unlink()
    assert await secret_of(settings, ada) == secret


async def test_a_key_file_makes_room_for_a_key_that_is_set(tmp_path: Path) -> None:
    settings = kiwisms.Settings(store_url=f"sqlite:///{tmp_path}/kiwisms.db")
    ada, secret = await new_account(settings, "ada@example.com")
    (tmp_path / "kiwisms.db.key").rename(tmp_path / "kiwisms.db.key.old")
    assert await secret_of(replace(settings, secret_key=FIRST), ada) == secret
    assert not (tmp_path / "kiwisms.db.key").exists()


async def test_an_old_key_file_without_a_key_is_refused(tmp_path: Path) -> None:
    (tmp_path / "kiwisms.db.key.old").write_text("short")
    with pytest.raises(kiwisms.ValidationRefused, match=r"kiwisms\.db\.key\.old"):
        async with kiwisms.open(f"sqlite:///{tmp_path}/kiwisms.db", provider=NoProvider()):
            raise AssertionError
