"""The background entrypoint: claims work that is due and runs it, until it is stopped."""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Final, TypeVar

from attrs import define, field

from kiwisms.application import balances, pruning
from kiwisms.application.background import Background
from kiwisms.application.outbox import WORK
from kiwisms.ports.notices import Notices

log = logging.getLogger(__name__)

MAX_RENTALS: Final = 20
MAX_INCIDENTS: Final = 20
MAX_DELIVERIES: Final = 200
"""More than of the others: a delivery that waits for its receiver costs little."""
HELD_PAUSE: Final = 0.1
"""
Seconds between claims while something is due that the last claim did not return.

It may belong to another loop, to an account that has its share under way, or to another process
that is claiming it just now.
"""
MIN_PAUSE: Final = 0.05
"""Seconds between claims at least: under load, every rent sends a notice of new work."""
STOP: Final = "stop"
T = TypeVar("T")
Claim = Callable[[int, Collection[T]], Awaitable[Sequence[T]]]


@define(kw_only=True, eq=False)
class Worker:
    """One loop each for rentals, webhooks and incidents, so that none waits for another."""

    background: Background
    notices: Notices
    _stopping: bool = field(default=False, init=False)

    async def run(self) -> None:
        """Work until `stop` is called, then finish what is under way."""
        async with asyncio.TaskGroup() as loops:
            work = self.background
            loops.create_task(
                self._loop(_any(work.claim_rentals), work.process_rental, MAX_RENTALS)
            )
            loops.create_task(self._loop(work.claim_deliveries, work.deliver, MAX_DELIVERIES))
            loops.create_task(self._loop(_any(work.claim_incidents), work.trace, MAX_INCIDENTS))
            loops.create_task(self._repeat(work.refresh_balance, balances.PACE))
            loops.create_task(self._repeat(work.prune, pruning.PACE))

    def stop(self) -> None:
        """Claim nothing more."""
        self._stopping = True
        self.notices.notify(WORK)
        self.notices.notify(STOP)

    async def _loop(self, claim: Claim[T], work: Callable[[T], Awaitable[None]], most: int) -> None:
        under_way: dict[asyncio.Task[None], T] = {}
        async with asyncio.TaskGroup() as group:
            while not self._stopping:
                for item in await self._claim(claim, most - len(under_way), under_way.values()):
                    task = group.create_task(_guarded(work, item))
                    under_way[task] = item
                    task.add_done_callback(under_way.pop)
                await self._idle(under_way.keys(), is_full=len(under_way) >= most)

    async def _repeat(self, work: Callable[[], Awaitable[None]], pace: timedelta) -> None:
        while not self._stopping:
            await _guarded(lambda _: work(), None)
            if not self._stopping:
                await self.notices.wait(STOP, pace.total_seconds())

    async def _claim(self, claim: Claim[T], limit: int, under_way: Collection[T]) -> Sequence[T]:
        try:
            return await claim(limit, under_way)
        except Exception:
            # The loop must not end: the server would take money, but no rental would expire.
            log.exception("work could not be claimed")
            return ()

    async def _idle(self, under_way: Collection[asyncio.Task[None]], *, is_full: bool) -> None:
        """Wait for a notice, for a free slot, or until the next work is due."""
        if is_full:
            await asyncio.wait(under_way, return_when=asyncio.FIRST_COMPLETED)
            return
        # A notice that comes meanwhile is not lost: its work is due by then.
        await asyncio.sleep(MIN_PAUSE)
        pause = await self._pause()
        if self._stopping:
            return
        if pause:
            await self.notices.wait(WORK, pause)
            return
        notice = asyncio.create_task(self.notices.wait(WORK, HELD_PAUSE))
        try:
            done, _ = await asyncio.wait({notice, *under_way}, return_when=asyncio.FIRST_COMPLETED)
            if notice in done:
                notice.result()
        finally:
            notice.cancel()

    async def _pause(self) -> float:
        try:
            return await self.background.pause()
        except Exception:
            log.exception("the store could not report what is due")
            return 1.0


@asynccontextmanager
async def working(background: Background, notices: Notices) -> AsyncIterator[None]:
    """Do background work while the block runs; leaving it finishes what is under way."""
    worker = Worker(background=background, notices=notices)
    task = asyncio.create_task(worker.run())
    try:
        yield
    finally:
        worker.stop()
        await task


def _any(claim: Callable[[int], Awaitable[Sequence[T]]]) -> Claim[T]:
    """Adapt a claim that does not depend on what is under way."""
    return lambda limit, _under_way: claim(limit)


async def _guarded(work: Callable[[T], Awaitable[None]], item: T) -> None:
    try:
        await work(item)
    except Exception:
        # The failed item is due again when its lease ends; the loop must go on.
        log.exception("background work failed")
