"""Several workers on one port: killed, replaced, drained, and never more than are wanted."""

import asyncio
import json
import os
import re
import signal
import socket
import sys
import time
from collections import Counter

import aiohttp
import pytest
from prometheus_client.parser import text_string_to_metric_families

from kiwisms.entrypoints.cli.supervisor import SAME_SIGNAL
from tests.e2e.cli.processes import gone, workers
from tests.e2e.cli.programs import Kiwi, Running, Upstream, until
from tests.e2e.cli.shop import new_key

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="finds processes in /proc")

SERVE = ("serve", "--port", "0", "--workers")


def is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def port_of(running: Running) -> int:
    return int(running.document["address"].rpartition(":")[2])


async def customer(kiwi: Kiwi) -> dict[str, str]:
    """Headers of somebody who has ten dollars."""
    return {"X-API-Key": await new_key(kiwi)}


async def assert_balanced(kiwi: Kiwi) -> None:
    async with kiwi.office() as office:
        assert (await office.wallet.audit()).violations == ()


def stranger(running: Running) -> aiohttp.ClientSession:
    """A customer who comes anew with each request."""
    return aiohttp.ClientSession(
        running.document["address"], connector=aiohttp.TCPConnector(force_close=True)
    )


async def visits(session: aiohttp.ClientSession, times: int, path: str = "/livez") -> list[int]:
    statuses = []
    for _ in range(times):
        async with session.get(path) as answer:
            statuses.append(answer.status)
    return statuses


async def counted(session: aiohttp.ClientSession) -> float:
    """How often /livez was answered, by all workers that ever were."""
    async with session.get("/metrics") as answer:
        families = text_string_to_metric_families(await answer.text())
    return sum(
        sample.value
        for family in families
        for sample in family.samples
        if sample.name == "kiwisms_http_requests_total" and sample.labels["route"] == "/livez"
    )


async def asked(provider: Upstream) -> None:
    """Wait until somebody has asked the provider for a number."""
    await until(provider.state, lambda state: "getNumber" in state["requests"])


async def test_a_killed_worker_is_replaced_and_requests_go_on(chain: Kiwi) -> None:
    async with chain.up(*SERVE, "2") as running, stranger(running) as session:
        before = workers(running)
        assert len(before) == 2
        answered = 0
        for victim in before:
            answered += len(await visits(session, 20))
            os.kill(victim, signal.SIGKILL)
            await gone(victim)
            # The other takes all, before there is anybody new.
            assert await visits(session, 20) == [200] * 20
            answered += 20
            replaced = await until(
                lambda: asyncio.sleep(0, workers(running)), lambda some: len(some) == 2
            )
            assert victim not in replaced
            assert [await counted(session) for _ in range(10)] == [answered] * 10
        assert not workers(running) & before
        done = await running.end(signal.SIGTERM)
    assert done.status == 0
    assert sorted(json.loads(line)["event"] for line in done.err.splitlines()) == [
        f"worker {number} ended with status -9; another takes its place in 0.1 s"
        for number in range(2)
    ]


@pytest.mark.parametrize("count", ["1", "2"])
@pytest.mark.parametrize("keep", [False, True], ids=["a connection each", "kept connections"])
async def test_everybody_who_came_before_the_end_is_answered(
    chain: Kiwi, count: str, keep: bool
) -> None:
    told: Counter[str] = Counter()

    async def come_until_refused(address: str) -> None:
        connector = aiohttp.TCPConnector(force_close=not keep, limit=1)
        async with aiohttp.ClientSession(address, connector=connector) as session:
            while True:
                try:
                    # Not GET, which the client would try twice where the server hangs up.
                    async with session.post("/livez") as answer:
                        told[str(answer.status)] += 1
                except aiohttp.ClientConnectorError:
                    return
                except aiohttp.ClientError as error:
                    told[repr(error)] += 1

    async with chain.up(*SERVE, count) as running:
        crowd = [
            asyncio.create_task(come_until_refused(running.document["address"])) for _ in range(10)
        ]
        pids = {running.process.pid, *workers(running)}
        await until(lambda: asyncio.sleep(0, told.total()), lambda total: total >= 200)
        done = await running.end(signal.SIGTERM)
        await asyncio.gather(*crowd)
    assert (done.status, done.err) == (0, "")
    assert set(told) == {"405"}
    await gone(*pids)
    assert is_free(port_of(running))


@pytest.mark.parametrize("count", ["1", "2"])
async def test_what_is_under_way_is_finished(chain: Kiwi, provider: Upstream, count: str) -> None:
    ada = await customer(chain)
    await provider.post("faults", kind="slow", action="getNumber", seconds=1.5)
    async with chain.up(*SERVE, count) as running, stranger(running) as session:
        renting = asyncio.create_task(
            session.post("/api/v1/rentals", json={"service": "go"}, headers=ada)
        )
        await asked(provider)
        done = await running.end(signal.SIGINT)
        answer = await renting
        assert answer.status == 201
    assert (done.status, done.err) == (0, "")
    (rental,) = await chain.tell("rentals", "list")
    assert rental["status"] == "WAITING"
    await assert_balanced(chain)


async def test_a_second_signal_kills_and_the_books_are_still_right(
    chain: Kiwi, provider: Upstream
) -> None:
    ada = await customer(chain)
    await provider.post("faults", kind="slow", action="getNumber", seconds=20)
    async with chain.up(*SERVE, "2") as running, stranger(running) as session:
        renting = asyncio.create_task(
            session.post("/api/v1/rentals", json={"service": "go"}, headers=ada)
        )
        pids = workers(running)
        await asked(provider)
        began = time.monotonic()

        async def tell_again() -> set[int]:
            left = workers(running)
            if left:
                running.process.send_signal(signal.SIGTERM)
            return left

        await until(tell_again, lambda left: not left)
        assert time.monotonic() - began >= SAME_SIGNAL
        done = await running.end()
        with pytest.raises(aiohttp.ClientError):
            await renting
    assert done.status == 1
    # On a busy machine the idle one may still be closing its store.
    assert re.fullmatch(r"Error: killed before they had finished: [12] of 2 workers\n", done.err)
    await gone(*pids)
    assert is_free(port_of(running))
    await assert_balanced(chain)


async def test_ctrl_c_reaches_every_process_and_is_said_once(chain: Kiwi) -> None:
    async with chain.up(*SERVE, "2") as running:
        pids = workers(running)
        for pid in pids:
            os.kill(pid, signal.SIGINT)
        done = await running.end(signal.SIGINT)
    assert (done.status, done.err) == (0, "")
    await gone(*pids)


async def test_workers_end_when_their_supervisor_was_killed(chain: Kiwi) -> None:
    async with chain.up(*SERVE, "2") as running:
        pids = workers(running)
        done = await running.end(signal.SIGKILL)
    assert (done.status, done.err) == (-signal.SIGKILL, "")
    await gone(*pids)
    assert is_free(port_of(running))


async def test_what_no_worker_can_start_with_ends_all(chain: Kiwi) -> None:
    nowhere = {"KIWISMS_STORE_URL": f"postgresql:///kiwisms?host={chain.folder}/nowhere"}
    alone = await chain.fail(*SERVE, "1", **nowhere)
    assert "nowhere" in alone
    assert await chain.fail(*SERVE, "3", **nowhere) == alone


async def test_a_limit_is_one_for_all_workers_with_redis(chain: Kiwi, redis_url: str) -> None:
    ada = await customer(chain)
    settings = {"KIWISMS_REDIS_URL": redis_url, "KIWISMS_RATE_READ_PER_MINUTE": "10"}
    async with chain.up(*SERVE, "2", **settings) as running, stranger(running) as session:
        session.headers.update(ada)
        told = Counter(await visits(session, 40, "/api/v1/balance"))
    assert told == {200: 10, 429: 30}
