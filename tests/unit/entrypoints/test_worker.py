"""The worker is told of work far more often than it need look."""

import asyncio
from typing import cast

import pytest

from kiwisms.adapters.local_notices import LocalNotices
from kiwisms.application.background import Background
from kiwisms.application.outbox import WORK
from kiwisms.entrypoints import worker
from kiwisms.testing.clock import ManualClock

LOOPS = 3


class NothingToDo:
    """Background work of which none is ever due; counts how often it is asked for."""

    def __init__(self) -> None:
        self.claims = 0
        self.repeated = 0

    async def claim_rentals(self, _limit: int) -> tuple[()]:
        self.claims += 1
        return ()

    claim_incidents = claim_rentals

    async def claim_deliveries(self, limit: int, _under_way: object) -> tuple[()]:
        return await self.claim_rentals(limit)

    async def process_rental(self, item: object) -> None:
        raise AssertionError(item)

    deliver = trace = process_rental

    async def refresh_balance(self) -> None:
        self.repeated += 1

    prune = refresh_balance

    async def pause(self) -> float:
        return 1.0


async def let_all_run() -> None:
    for _ in range(20):
        await asyncio.sleep(0)


async def test_under_load_nobody_claims_for_every_notice(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(worker, "MIN_PAUSE", 3600)
    work, notices = NothingToDo(), LocalNotices(ManualClock())
    running = asyncio.create_task(
        worker.Worker(background=cast("Background", work), notices=notices).run()
    )
    for _ in range(100):
        await let_all_run()
        notices.notify(WORK)
    assert (work.claims, work.repeated) == (LOOPS, 2)
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running


async def test_a_notice_after_the_rest_is_heeded_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(worker, "MIN_PAUSE", 0)
    work, notices = NothingToDo(), LocalNotices(ManualClock())
    working = worker.Worker(background=cast("Background", work), notices=notices)
    running = asyncio.create_task(working.run())
    await let_all_run()
    notices.notify(WORK)
    await let_all_run()
    assert work.claims == 2 * LOOPS
    working.stop()
    await running


class FailsOnce(NothingToDo):
    """Background work whose first claim hits a mistake in the code."""

    async def claim_rentals(self, _limit: int) -> tuple[()]:
        await super().claim_rentals(_limit)
        if self.claims == 1:
            raise ValueError("a mistake")
        return ()

    claim_incidents = claim_rentals


async def test_a_mistake_in_a_claim_ends_no_loop(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(worker, "MIN_PAUSE", 0)
    work, notices = FailsOnce(), LocalNotices(ManualClock())
    working = worker.Worker(background=cast("Background", work), notices=notices)
    running = asyncio.create_task(working.run())
    await let_all_run()
    notices.notify(WORK)
    await let_all_run()
    assert not running.done()
    assert work.claims >= 2 * LOOPS
    working.stop()
    await running
