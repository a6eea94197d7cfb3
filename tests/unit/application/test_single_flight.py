"""Who does a piece of work, and who waits for it."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest
from attrs import define, field

from kiwisms.application.single_flight import SingleFlight


@define
class Work:
    """Work that ends when it is let go, and counts how often it was begun."""

    result: str
    begun: int = 0
    go: asyncio.Event = field(factory=asyncio.Event)

    async def __call__(self) -> str:
        self.begun += 1
        await self.go.wait()
        return self.result


async def begun(act: Callable[[], Awaitable[str]]) -> asyncio.Task[str]:
    task = asyncio.ensure_future(act())
    await asyncio.sleep(0)
    assert isinstance(task, asyncio.Task)
    return task


async def test_who_asks_while_it_is_done_waits_for_it() -> None:
    flights, work = SingleFlight[str, str](), Work("seen")
    first = await begun(lambda: flights.do("r", work))
    second = await begun(lambda: flights.do("r", work))
    work.go.set()
    assert (await first, await second, work.begun) == ("seen", "seen", 1)


async def test_who_leads_does_its_own_work_after_what_is_under_way() -> None:
    flights, poll, look = SingleFlight[str, str](), Work("as it was"), Work("seen")
    first = await begun(lambda: flights.do("r", poll))
    leader = await begun(lambda: flights.lead("r", look))
    assert look.begun == 0
    poll.go.set()
    assert await first == "as it was"
    await asyncio.sleep(0)
    follower = await begun(lambda: flights.do("r", poll))
    look.go.set()
    assert (await leader, await follower, poll.begun) == ("seen", "seen", 1)


async def test_who_leads_is_not_stopped_by_what_failed_before() -> None:
    flights, look = SingleFlight[str, str](), Work("seen")
    poll = await begun(lambda: flights.do("r", Work("never")))
    leader = await begun(lambda: flights.lead("r", look))
    poll.cancel()
    look.go.set()
    assert await leader == "seen"
    with pytest.raises(asyncio.CancelledError):
        await poll


async def test_shared_work_survives_the_one_who_does_it() -> None:
    flights: SingleFlight[str, int] = SingleFlight()
    never = asyncio.Event()
    done: list[int] = []

    async def slow() -> int:
        await never.wait()
        return 1

    async def quick() -> int:
        return 2

    async def follow() -> None:
        done.append(await flights.do("key", quick))

    leader = asyncio.create_task(flights.do("key", slow))
    await asyncio.sleep(0)
    follower = asyncio.create_task(follow())
    await asyncio.sleep(0)
    leader.cancel()
    await follower
    assert done == [2]


async def test_shared_work_that_fails_fails_for_all() -> None:
    flights: SingleFlight[str, int] = SingleFlight()

    async def fails() -> int:
        await asyncio.sleep(0)
        raise LookupError

    outcomes = await asyncio.gather(
        *(flights.do("key", fails) for _ in range(3)), return_exceptions=True
    )
    assert [type(outcome) for outcome in outcomes] == [LookupError] * 3
