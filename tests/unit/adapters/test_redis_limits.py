"""Limits in Redis while that comes and goes; tests/contract has what holds while it is there."""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
import redis

from kiwisms.adapters.local_limits import LocalLimits
from kiwisms.adapters.redis import RedisLimits
from kiwisms.ports.limits import Limit
from kiwisms.testing.clock import ManualClock
from tests.redis_server import RedisServer, redis_server_in

TWO = Limit("rent", 2)
AGAIN = 1.1
"""Seconds after which Redis is asked again."""


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def server(tmp_path: Path) -> RedisServer:
    """A server of the test's own, which is not started yet."""
    return redis_server_in(tmp_path)


@asynccontextmanager
async def process(url: str, clock: ManualClock) -> AsyncIterator[RedisLimits]:
    """What one process of several counts with."""
    async with RedisLimits(url, clock=clock, fallback=LocalLimits(clock)) as limits:
        yield limits


async def hits(limits: RedisLimits, times: int, who: str = "ada") -> list[bool]:
    return [await limits.hit(TWO, who) == 0 for _ in range(times)]


async def test_processes_count_together(redis_url: str, clock: ManualClock) -> None:
    async with process(redis_url, clock) as one, process(redis_url, clock) as other:
        assert await hits(one, 1, "together") + await hits(other, 2, "together") == [
            True,
            True,
            False,
        ]


async def test_without_redis_each_counts_alone_and_says_so_once(
    server: RedisServer, clock: ManualClock, caplog: pytest.LogCaptureFixture
) -> None:
    async with process(server.url(), clock) as limits:
        for who in ("ada", "bob", "eve"):
            assert await hits(limits, 3, who) == [True, True, False]
            clock.advance(AGAIN)
        (said,) = caplog.messages
        assert "Redis is unreachable" in said
        assert "Connect call failed" in said


async def test_redis_may_come_and_go(
    server: RedisServer, clock: ManualClock, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    async with process(server.url(), clock) as one, process(server.url(), clock) as other:
        for who in ("ada", "bob"):
            with server.process:
                clock.advance(AGAIN)
                assert await hits(one, 2, who) == [True, True]
                assert await hits(other, 1, who) == [False]
            assert await hits(one, 1, who) == [True]
            clock.advance(AGAIN)
            assert await hits(other, 1, who) == [True]
    backs = [message for message in caplog.messages if "Redis is back" in message]
    aways = [message for message in caplog.messages if "is unreachable" in message]
    assert (len(backs), len(aways)) == (2, 4)


async def test_without_an_answer_only_one_request_retries_and_none_waits(
    clock: ManualClock,
) -> None:
    asked = 0

    async def silence(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal asked
        asked += 1
        await reader.read()
        writer.close()

    deaf = await asyncio.start_server(silence, "127.0.0.1", 0)
    port = deaf.sockets[0].getsockname()[1]
    async with deaf, process(f"redis://127.0.0.1:{port}", clock) as limits:
        async with asyncio.timeout(10):
            assert await hits(limits, 3) == [True, True, False]
            assert asked == 1
            clock.advance(AGAIN)
            await asyncio.gather(*(limits.hit(TWO, "ada") for _ in range(50)))
            assert asked == 2


async def test_a_wrong_password_is_a_redis_that_is_away_and_is_not_said(
    server: RedisServer, clock: ManualClock, caplog: pytest.LogCaptureFixture
) -> None:
    with server.process, redis.Redis.from_url(server.url()) as client:
        client.config_set("requirepass", "right")
        async with process(server.url("hunter2"), clock) as limits:
            assert await hits(limits, 3) == [True, True, False]
            assert "invalid username-password pair" in str(await limits.trouble())
        assert "invalid username-password pair" in caplog.text
        assert "hunter2" not in caplog.text
        async with process(server.url("right"), clock) as limits:
            assert await limits.trouble() is None
