"""What limits do: so many uses in a minute, and a true word on when to come back."""

import threading
import time
import tracemalloc
from collections.abc import Callable, Iterator, Mapping

import pytest
from hypothesis import given
from hypothesis.strategies import floats, integers, lists

from kiwisms.adapters.local_limits import LocalLimits
from kiwisms.ports.limits import Limit, Limits

THREE = Limit("rent", 3)
OPEN: Mapping[str, Callable[[], Limits]] = {"local": LocalLimits}


class Time:
    """Wall time that a test moves; the library reads it with `time.time`."""

    def __init__(self, patch: pytest.MonkeyPatch) -> None:
        self.now = 1_800_000_000.0
        patch.setattr(time, "time", lambda: self.now)


@pytest.fixture
def wall(monkeypatch: pytest.MonkeyPatch) -> Time:
    return Time(monkeypatch)


@pytest.fixture(params=OPEN)
def limits(request: pytest.FixtureRequest, wall: Time) -> Iterator[Limits]:
    assert wall.now
    yield OPEN[request.param]()
    let_timers_end()


def let_timers_end() -> None:
    for thread in threading.enumerate():
        if isinstance(thread, threading.Timer):
            thread.join()


async def test_uses_within_the_limit_pass_and_the_next_does_not(limits: Limits) -> None:
    assert [await limits.hit(THREE, "ada") for _ in range(3)] == [0, 0, 0]
    assert 0 < await limits.hit(THREE, "ada") <= 60


async def test_who_waits_as_long_as_was_said_may_come_back(limits: Limits, wall: Time) -> None:
    for _ in range(3):
        await limits.hit(THREE, "ada")
        wall.now += 7.3
    wait = await limits.hit(THREE, "ada")
    assert wait == 39
    wall.now += wait - 1
    assert await limits.hit(THREE, "ada") == 1
    wall.now += 1
    assert await limits.hit(THREE, "ada") == 0


async def test_refused_uses_do_not_make_the_wait_longer(limits: Limits, wall: Time) -> None:
    for _ in range(50):
        await limits.hit(THREE, "ada")
        wall.now += 1
    assert await limits.hit(THREE, "ada") == 10


async def test_everybody_is_counted_apart(limits: Limits) -> None:
    for _ in range(4):
        await limits.hit(THREE, "ada")
    assert await limits.hit(THREE, "bob") == 0
    assert await limits.hit(THREE, "ada/bob") == 0


async def test_limits_of_different_names_are_counted_apart(limits: Limits) -> None:
    for _ in range(4):
        await limits.hit(THREE, "ada")
    assert await limits.hit(Limit("read", 3), "ada") == 0


async def test_a_limit_of_none_lets_nobody_pass(limits: Limits) -> None:
    assert await limits.hit(Limit("never", 0), "ada") > 0


@given(per_minute=integers(1, 5), pauses=lists(floats(0, 90), max_size=40))
async def test_what_is_said_is_true(per_minute: int, pauses: list[float]) -> None:
    with pytest.MonkeyPatch.context() as patch:
        wall, limits, limit = Time(patch), LocalLimits(), Limit("read", per_minute)
        passed: list[float] = []
        for pause in pauses:
            wall.now += pause
            wait = await limits.hit(limit, "ada")
            assert 0 <= wait <= 60
            if wait:
                # Only who has used the limit up within the last minute is refused.
                recent = [each for each in passed if each > wall.now - 60]
                assert len(recent) >= per_minute
                wall.now += wait
                assert await limits.hit(limit, "ada") == 0
            passed.append(wall.now)
            # Two minutes that touch can both be used up, but no more.
            assert len([each for each in passed if each > wall.now - 60]) <= 2 * per_minute
    let_timers_end()


async def test_strangers_who_do_not_come_back_are_forgotten(wall: Time) -> None:
    limits = LocalLimits()

    async def crowd(name: str) -> int:
        for number in range(3000):
            await limits.hit(THREE, f"{name}-{number}")
        wall.now += 61
        await limits.hit(THREE, name)
        let_timers_end()
        await limits.hit(THREE, name)
        let_timers_end()
        return tracemalloc.get_traced_memory()[0]

    tracemalloc.start()
    try:
        sizes = [await crowd(name) for name in ("first", "second", "third", "fourth")]
    finally:
        tracemalloc.stop()
    assert sizes[-1] < sizes[0] + 100_000
