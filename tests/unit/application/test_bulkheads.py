"""How many may come at once, and who is turned away."""

import asyncio
from contextlib import suppress

import pytest

from kiwisms.application.bulkheads import Bulkheads


async def let_all_run() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


class Shop:
    """People who come to a bulkhead and stay until they are told to go."""

    def __init__(self, places: int, waiting: int) -> None:
        self.bulkheads: Bulkheads[str] = Bulkheads(places, waiting)
        self.inside: list[str] = []
        self.turned_away: list[str] = []
        self._leave: dict[str, asyncio.Event] = {}

    async def come(self, key: str, name: str) -> asyncio.Task[None]:
        self._leave[name] = asyncio.Event()
        task = asyncio.create_task(self._visit(key, name))
        await let_all_run()
        return task

    async def leave(self, name: str) -> None:
        self._leave[name].set()
        await let_all_run()

    async def _visit(self, key: str, name: str) -> None:
        async with self.bulkheads.place(key) as placed:
            if not placed:
                self.turned_away.append(name)
                return
            self.inside.append(name)
            await self._leave[name].wait()
            self.inside.remove(name)


async def test_the_queue_moves_in_order_and_turns_away_who_is_too_many() -> None:
    shop = Shop(places=2, waiting=1)
    for name in "abcd":
        await shop.come("x", name)
    assert (shop.inside, shop.turned_away) == (["a", "b"], ["d"])
    await shop.leave("a")
    assert shop.inside == ["b", "c"]
    await shop.come("x", "e")
    await shop.leave("b")
    await shop.leave("c")
    assert shop.inside == ["e"]
    await shop.leave("e")


async def test_each_key_has_a_bulkhead_of_its_own() -> None:
    shop = Shop(places=1, waiting=0)
    await shop.come("x", "a")
    await shop.come("y", "b")
    assert shop.inside == ["a", "b"]
    await shop.leave("a")
    await shop.come("x", "c")
    assert shop.inside == ["b", "c"]
    await shop.leave("b")
    await shop.leave("c")


@pytest.mark.parametrize("who", ["a", "b"], ids=["inside", "waiting"])
async def test_who_gives_up_leaves_its_place_to_the_next(who: str) -> None:
    shop = Shop(places=1, waiting=2)
    tasks = {name: await shop.come("x", name) for name in "abc"}
    tasks[who].cancel()
    with suppress(asyncio.CancelledError):
        await tasks[who]
    await shop.come("x", "d")
    assert shop.turned_away == []
    for name in "abcd":
        await shop.leave(name)
    assert shop.turned_away == []
    assert all(task.done() for task in tasks.values())


async def test_nothing_is_kept_of_bulkheads_that_are_empty() -> None:
    bulkheads: Bulkheads[str] = Bulkheads(1, 0)
    async with bulkheads.place("x"), bulkheads.place("x") as second:
        assert not second
        assert bulkheads.keys == {"x"}
    assert bulkheads.keys == set()
