"""What notices do: they wake who waits, and leave nothing behind."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from kiwisms.adapters.local_notices import LocalNotices
from kiwisms.adapters.postgres import PostgresNotices, PostgresStore
from kiwisms.ports.notices import Notices
from kiwisms.testing.clock import ManualClock
from tests.postgres import database

LONG = 3600.0


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def local(clock: ManualClock) -> LocalNotices:
    """Who waits in this process, which is a part of every adapter."""
    return LocalNotices(clock)


@pytest.fixture(params=["local", "postgres"])
async def notices(request: pytest.FixtureRequest, local: LocalNotices) -> AsyncIterator[Notices]:
    if request.param == "local":
        yield local
        return
    async with (
        database() as url,
        PostgresStore(url) as store,
        PostgresNotices(store, local) as opened,
    ):
        yield opened


async def let_all_run() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


async def begin_waiting(
    notices: Notices, *topics: str, seconds: float = LONG
) -> list[asyncio.Task[None]]:
    tasks = [asyncio.create_task(notices.wait(topic, seconds)) for topic in topics]
    await let_all_run()
    return tasks


async def test_who_waits_is_woken(notices: Notices) -> None:
    [waiter] = await begin_waiting(notices, "ada")
    assert not waiter.done()
    notices.notify("ada")
    await waiter


async def test_every_task_that_waits_for_a_topic_is_woken(notices: Notices) -> None:
    waiters = await begin_waiting(notices, *["ada"] * 100)
    notices.notify("ada")
    await asyncio.gather(*waiters)


async def test_who_waits_for_another_topic_sleeps_on(notices: Notices, clock: ManualClock) -> None:
    [ada, bob] = await begin_waiting(notices, "ada", "bob")
    notices.notify("ada")
    await let_all_run()
    assert ada.done()
    assert not bob.done()
    clock.advance(LONG)
    await bob


async def test_the_wait_ends_when_its_time_is_up(notices: Notices, clock: ManualClock) -> None:
    [waiter] = await begin_waiting(notices, "ada", seconds=10)
    clock.advance(9)
    await let_all_run()
    assert not waiter.done()
    clock.advance(1)
    await waiter


async def test_a_notice_and_the_end_of_the_time_may_come_at_once(
    notices: Notices, clock: ManualClock
) -> None:
    [waiter] = await begin_waiting(notices, "ada", seconds=10)
    clock.advance(10)
    notices.notify("ada")
    await waiter
    assert waiter.cancelling() == 0


async def test_a_second_notice_before_anybody_has_run_does_no_harm(notices: Notices) -> None:
    [waiter] = await begin_waiting(notices, "ada")
    notices.notify("ada")
    notices.notify("ada")
    await waiter


async def test_a_notice_is_not_kept_for_later(notices: Notices, clock: ManualClock) -> None:
    notices.notify("ada")
    [waiter] = await begin_waiting(notices, "ada", seconds=10)
    assert not waiter.done()
    clock.advance(10)
    await waiter


async def test_who_waits_again_is_woken_again(notices: Notices) -> None:
    for _ in range(3):
        [waiter] = await begin_waiting(notices, "ada")
        notices.notify("ada")
        await waiter


async def test_a_wait_that_begins_after_a_notice_waits_for_the_next(notices: Notices) -> None:
    [early] = await begin_waiting(notices, "ada")
    notices.notify("ada")
    late = asyncio.create_task(notices.wait("ada", LONG))
    await let_all_run()
    assert early.done()
    assert not late.done()
    notices.notify("ada")
    await late


async def test_a_cancelled_wait_does_not_block_the_others(notices: Notices) -> None:
    [ada, bob] = await begin_waiting(notices, "topic", "topic")
    ada.cancel()
    await let_all_run()
    assert ada.cancelled()
    notices.notify("topic")
    await bob


async def test_a_cancel_beside_a_notice_is_still_a_cancel(notices: Notices) -> None:
    [before, after] = await begin_waiting(notices, "before", "after")
    before.cancel()
    notices.notify("before")
    notices.notify("after")
    after.cancel()
    for waiter in (before, after):
        with pytest.raises(asyncio.CancelledError):
            await waiter


async def test_nothing_is_left_of_a_wait_that_has_ended(
    notices: Notices, local: LocalNotices, clock: ManualClock
) -> None:
    before = asyncio.all_tasks()
    told, cancelled, late = await begin_waiting(notices, "told", "cancelled", "late", seconds=10)
    assert local.topics == 3
    assert asyncio.all_tasks() - before == {told, cancelled, late}
    notices.notify("told")
    cancelled.cancel()
    await let_all_run()
    clock.advance(10)
    await asyncio.gather(told, late)
    assert local.topics == 0
    assert clock.sleepers == 0
    assert asyncio.all_tasks() == before


async def test_without_time_to_wait_others_still_run(notices: Notices, local: LocalNotices) -> None:
    await notices.wait("ada", 0)
    assert local.topics == 0
