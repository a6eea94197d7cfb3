"""What limits do: so many uses in a minute, and a true word on when to come back."""

import asyncio
import tracemalloc
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from datetime import datetime, timedelta

import pytest
import redis.asyncio
from hypothesis import given
from hypothesis.strategies import floats, integers, lists

from kiwisms.adapters.local_limits import LocalLimits
from kiwisms.adapters.redis import RedisLimits
from kiwisms.ports.limits import Limit, Limits
from kiwisms.testing.clock import ManualClock

MINUTE = timedelta(minutes=1)
THREE = Limit("rent", 3)
Pass = Callable[[float], Awaitable[None]]
"""Lets seconds pass."""


@asynccontextmanager
async def local(_request: pytest.FixtureRequest) -> AsyncIterator[tuple[Limits, Pass]]:
    clock = ManualClock()

    async def advance(seconds: float) -> None:
        clock.advance(seconds)

    yield LocalLimits(clock), advance


@asynccontextmanager
async def in_redis(request: pytest.FixtureRequest) -> AsyncIterator[tuple[Limits, Pass]]:
    url = request.getfixturevalue("redis_url")

    async def advance(seconds: float) -> None:
        """Bring every key's end as much nearer: nobody moves a server's clock."""
        for key in await client.keys("*"):
            left = await client.pttl(key)
            await client.pexpire(key, left - round(seconds * 1000))

    async with (
        redis.asyncio.Redis.from_url(url) as client,
        RedisLimits(url, clock=ManualClock(), fallback=Nobody(), patience=10) as limits,
    ):
        await client.flushall()
        yield limits, advance


class Nobody:
    """Must not be asked."""

    async def hit(self, limit: Limit, who: str) -> int:
        raise AssertionError((limit, who))


Opener = Callable[[pytest.FixtureRequest], AbstractAsyncContextManager[tuple[Limits, Pass]]]
OPEN: dict[str, Opener] = {"local": local, "redis": in_redis}


@pytest.fixture(params=OPEN)
async def opened(request: pytest.FixtureRequest) -> AsyncIterator[tuple[Limits, Pass]]:
    async with OPEN[request.param](request) as opened:
        yield opened


@pytest.fixture
def limits(opened: tuple[Limits, Pass]) -> Limits:
    return opened[0]


@pytest.fixture
def advance(opened: tuple[Limits, Pass]) -> Pass:
    return opened[1]


async def test_uses_within_the_limit_pass_and_the_next_does_not(limits: Limits) -> None:
    assert [await limits.hit(THREE, "ada") for _ in range(3)] == [0, 0, 0]
    assert 0 < await limits.hit(THREE, "ada") <= 60


async def test_who_waits_as_long_as_was_said_may_come_back(limits: Limits, advance: Pass) -> None:
    for _ in range(3):
        await limits.hit(THREE, "ada")
        await advance(7.1)
    wait = await limits.hit(THREE, "ada")
    assert wait == 39
    await advance(wait - 1)
    assert await limits.hit(THREE, "ada") == 1
    await advance(1)
    assert await limits.hit(THREE, "ada") == 0


async def test_refused_uses_do_not_make_the_wait_longer(limits: Limits, advance: Pass) -> None:
    for _ in range(50):
        await limits.hit(THREE, "ada")
        await advance(1)
    assert await limits.hit(THREE, "ada") == 10


async def test_many_at_once_are_counted_each(limits: Limits) -> None:
    waits = await asyncio.gather(*(limits.hit(Limit("read", 100), "ada") for _ in range(150)))
    assert waits.count(0) == 100


async def test_everybody_is_counted_apart(limits: Limits) -> None:
    for _ in range(4):
        await limits.hit(THREE, "ada")
    assert await limits.hit(THREE, "bob") == 0
    assert await limits.hit(THREE, "ada/bob") == 0


async def test_limits_of_different_names_are_counted_apart(limits: Limits) -> None:
    for _ in range(4):
        await limits.hit(THREE, "ada")
    assert await limits.hit(Limit("read", 3), "ada") == 0


async def test_a_limit_of_zero_allows_no_use(limits: Limits) -> None:
    assert await limits.hit(Limit("never", 0), "ada") > 0


@given(per_minute=integers(1, 5), pauses=lists(floats(0, 90), max_size=40))
async def test_what_is_said_is_true(per_minute: int, pauses: list[float]) -> None:
    clock = ManualClock()
    limits, limit = LocalLimits(clock), Limit("read", per_minute)
    passed: list[datetime] = []

    def within_a_minute() -> int:
        return sum(each > clock.now() - MINUTE for each in passed)

    for pause in pauses:
        clock.advance(pause)
        wait = await limits.hit(limit, "ada")
        assert 0 <= wait <= 60
        if wait:
            # Only who has used the limit up within the last minute is refused.
            assert within_a_minute() >= per_minute
            clock.advance(wait)
            assert await limits.hit(limit, "ada") == 0
        passed.append(clock.now())
        # Two adjacent minutes can both be used up, but no third.
        assert within_a_minute() <= 2 * per_minute


async def test_clients_that_do_not_return_are_forgotten() -> None:
    clock = ManualClock()
    limits = LocalLimits(clock)

    async def crowd(name: str) -> int:
        for number in range(3000):
            await limits.hit(THREE, f"{name}-{number}")
        clock.advance(61)
        await limits.hit(THREE, name)
        return tracemalloc.get_traced_memory()[0]

    tracemalloc.start()
    try:
        sizes = [await crowd(name) for name in ("first", "second", "third", "fourth")]
    finally:
        tracemalloc.stop()
    assert sizes[-1] < sizes[0] + 100_000
