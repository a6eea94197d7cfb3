"""The server as a process: what it needs to begin, and how it ends."""

import asyncio
import signal
import socket

import aiohttp
import pytest

from kiwisms.domain.rental_state import State
from tests.e2e.cli.programs import Kiwi, Upstream, until
from tests.e2e.cli.shop import new_key, serving

SLOW = {"kind": "slow", "action": "getNumber", "seconds": 0.7}
SILENT = {"kind": "silent", "action": "getNumber"}


async def is_asked(provider: Upstream) -> None:
    """Wait until somebody has asked for a number."""
    await until(provider.state, lambda state: "getNumber" in state["requests"])


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT])
async def test_a_request_under_way_is_answered_before_the_end(
    shop: Kiwi, provider: Upstream, how: signal.Signals
) -> None:
    key = await new_key(shop)
    async with serving(shop, key) as (server, ada):
        await provider.post("faults", **SLOW)
        renting = asyncio.create_task(ada.rent())
        await is_asked(provider)
        done = await server.end(how)
        status, document = await renting
    assert (status, document["rental"]["status"]) == (201, "WAITING")
    assert (done.status, done.out) == (0, "")
    assert "Traceback" not in done.err
    async with shop.office() as office:
        (rental,) = await office.rentals.all()
        assert (rental.id, rental.state) == (document["rental"]["id"], State.WAITING)
        assert (await office.wallet.audit()).violations == ()


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT])
async def test_who_asks_twice_does_not_wait(
    shop: Kiwi, provider: Upstream, how: signal.Signals
) -> None:
    key = await new_key(shop)
    async with serving(shop, key) as (server, ada):
        await provider.post("faults", **SILENT)
        renting = asyncio.create_task(ada.rent())
        await is_asked(provider)
        async with asyncio.timeout(5):
            done = await server.end(how, how)
        with pytest.raises(aiohttp.ClientError):
            await renting
    assert done.status == -how
    assert "Traceback" not in done.err


async def test_it_answers_and_says_where(shop: Kiwi) -> None:
    async with shop.up("serve", "--port", "0") as server:
        assert list(server.document) == ["address"]
        base = server.document["address"]
        async with aiohttp.ClientSession(base, raise_for_status=True) as session:
            for path in ("/livez", "/readyz", "/metrics", "/docs", "/api/public/pricing"):
                await session.get(path)
            async with session.get("/openapi.json") as contract:
                assert (await contract.json())["servers"][0]["url"] == base
        done = await server.end(signal.SIGTERM)
    assert (done.status, done.out, done.err) == (0, "", "")


async def test_a_port_that_is_taken(shop: Kiwi) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        why = await shop.fail("serve", "--port", str(port))
    assert why.startswith(f"cannot listen on 127.0.0.1 port {port}: ")
    assert why.endswith("choose another with --port")


@pytest.mark.parametrize(
    ("variable", "value", "words"),
    [
        ("KIWISMS_PORT", "eighty", ("valid integer",)),
        ("KIWISMS_SECRET_KEY", "short", ("openssl rand -hex 32",)),
        ("KIWISMS_PROT", "1", ("KIWISMS_PORT",)),
    ],
)
async def test_a_bad_setting_stops_the_start_and_is_named(
    shop: Kiwi, variable: str, value: str, words: tuple[str, ...]
) -> None:
    why = await shop.fail("serve", **{variable: value})
    assert why.startswith(f"{variable}: ")
    assert all(word in why for word in words)


async def test_a_bad_line_in_the_file_is_named(shop: Kiwi) -> None:
    (shop.folder / "kiwisms.toml").write_text('sync_seconds = "soon"')
    assert (await shop.fail("serve")).startswith("sync_seconds in kiwisms.toml: input ")


async def test_sqlite_serves_from_one_process(shop: Kiwi) -> None:
    assert "Postgres" in await shop.misuse("serve", "--workers", "2")
    assert "Postgres" in await shop.fail("serve", KIWISMS_WORKERS="2")


async def test_a_host_that_is_none_is_wrong_usage(shop: Kiwi) -> None:
    assert "host: " in await shop.misuse("serve", "--host", "a b")


async def test_a_folder_that_is_not_there(shop: Kiwi) -> None:
    for command in (("serve",), ("accounts", "list")):
        why = await shop.fail(*command, KIWISMS_STORE_URL="sqlite:////nowhere/at/all.db")
        assert why == "/nowhere/at does not exist; create it"


async def test_the_simulator_alone(kiwi: Kiwi) -> None:
    async with kiwi.up("simulator") as running:
        told = running.document
        assert set(told) == {"address", "key", "control"}
        async with (
            aiohttp.ClientSession() as session,
            session.get(
                told["address"], params={"api_key": told["key"], "action": "getBalance"}
            ) as answer,
        ):
            assert await answer.text() == "ACCESS_BALANCE:100.00"
        done = await running.end(signal.SIGINT)
    assert (done.status, done.out, done.err) == (0, "", "")


async def test_wrong_usage_is_2_and_says_how(kiwi: Kiwi) -> None:
    done = await kiwi.run("wallet", "credit", "ada@example.com", "1")
    assert (done.status, done.out) == (2, "")
    assert done.err.startswith("Usage: python -m kiwisms wallet credit ")
    assert done.err.endswith("Missing option '--reason'.\n")
    assert list(kiwi.folder.iterdir()) == []
