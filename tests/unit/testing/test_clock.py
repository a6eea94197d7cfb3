"""Time that only a test moves."""

import asyncio

import pytest

from kiwisms.testing.clock import START, ManualClock


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


async def sleepers(
    clock: ManualClock, *spans: float
) -> tuple[list[float], asyncio.Future[list[None]]]:
    """Start tasks that sleep; the list has those whose sleep is over, in the order of waking."""
    woken: list[float] = []

    async def sleep(seconds: float) -> None:
        await clock.sleep(seconds)
        woken.append(seconds)

    everybody = asyncio.gather(*map(sleep, spans))
    await asyncio.sleep(0)
    return woken, everybody


async def test_who_is_due_first_is_woken_first(clock: ManualClock) -> None:
    woken, everybody = await sleepers(clock, 30, 10, 20)
    assert clock.sleepers == 3
    clock.advance(20)
    await asyncio.sleep(0)
    assert (woken, clock.sleepers) == ([10, 20], 1)
    clock.advance(10)
    await everybody
    assert (woken, clock.sleepers) == ([10, 20, 30], 0)


async def test_no_task_is_woken_too_early(clock: ManualClock) -> None:
    woken, everybody = await sleepers(clock, 10)
    clock.advance(9.999)
    await asyncio.sleep(0)
    assert woken == []
    clock.advance(0.001)
    await everybody


async def test_tasks_due_at_one_time_are_woken_in_their_order(clock: ManualClock) -> None:
    order: list[str] = []

    async def sleep(name: str) -> None:
        await clock.sleep(5)
        order.append(name)

    everybody = asyncio.gather(*map(sleep, ["b", "a", "c"]))
    await asyncio.sleep(0)
    clock.advance(5)
    await everybody
    assert order == ["b", "a", "c"]


async def test_no_time_lets_others_run(clock: ManualClock) -> None:
    ran: list[str] = []
    asyncio.get_running_loop().call_soon(ran.append, "other")
    await clock.sleep(0)
    assert ran == ["other"]
    assert clock.now() == START


async def test_a_cancelled_sleep_is_forgotten(clock: ManualClock) -> None:
    woken, everybody = await sleepers(clock, 10)
    everybody.cancel()
    with pytest.raises(asyncio.CancelledError):
        await everybody
    assert clock.sleepers == 0
    clock.advance(10)
    assert woken == []


def test_time_does_not_go_back(clock: ManualClock) -> None:
    with pytest.raises(ValueError, match="back"):
        clock.advance(-1)
