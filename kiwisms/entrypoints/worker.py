"""The background door: claims what comes due and has it done, until it is told to stop."""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Final, TypeVar

from attrs import define, field

from kiwisms.application.background import Background
from kiwisms.application.balances import PACE
from kiwisms.application.outbox import WORK
from kiwisms.domain.errors import KiwismsError
from kiwisms.ports.notices import Notices

log = logging.getLogger(__name__)

MOST_AT_ONCE: Final = 20
SHORTEST_PAUSE: Final = 0.02
"""Seconds. What is due may be the other loop's, or another process may be taking it just now."""
T = TypeVar("T")


@define(kw_only=True, eq=False)
class Worker:
    """A loop each for rentals, webhooks and incidents, so that none waits for another."""

    background: Background
    notices: Notices
    _stopping: bool = field(default=False, init=False)

    async def run(self) -> None:
        """Work until `stop`, then finish what is under way."""
        async with asyncio.TaskGroup() as loops:
            loops.create_task(self._loop(self.background.claim_rentals, self.background.tend))
            loops.create_task(self._loop(self.background.claim_deliveries, self.background.deliver))
            loops.create_task(self._loop(self.background.claim_incidents, self.background.trace))
            loops.create_task(self._keep_balance())

    def stop(self) -> None:
        """Claim nothing more."""
        self._stopping = True
        self.notices.tell(WORK)

    async def _loop(
        self,
        claim: Callable[[int], Awaitable[Sequence[T]]],
        work: Callable[[T], Awaitable[None]],
    ) -> None:
        under_way: set[asyncio.Task[None]] = set()
        async with asyncio.TaskGroup() as group:
            while not self._stopping:
                for item in await self._claim(claim, MOST_AT_ONCE - len(under_way)):
                    task = group.create_task(_guarded(work, item))
                    under_way.add(task)
                    task.add_done_callback(under_way.discard)
                await self._idle(under_way)

    async def _keep_balance(self) -> None:
        while not self._stopping:
            await _guarded(lambda _: self.background.keep_balance(), None)
            if not self._stopping:
                await self.notices.wait(WORK, PACE.total_seconds())

    async def _claim(
        self, claim: Callable[[int], Awaitable[Sequence[T]]], limit: int
    ) -> Sequence[T]:
        try:
            return await claim(limit)
        except KiwismsError:
            log.exception("work could not be claimed")
            return ()

    async def _idle(self, under_way: set[asyncio.Task[None]]) -> None:
        if len(under_way) >= MOST_AT_ONCE:
            await asyncio.wait(under_way, return_when=asyncio.FIRST_COMPLETED)
            return
        try:
            pause = await self.background.pause()
        except KiwismsError:
            log.exception("the store could not say what is due")
            pause = 1.0
        if not self._stopping:
            await self.notices.wait(WORK, max(pause, SHORTEST_PAUSE))


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


async def _guarded(work: Callable[[T], Awaitable[None]], item: T) -> None:
    try:
        await work(item)
    except Exception:
        # What failed comes due again when its lease is over; the loop must go on.
        log.exception("background work failed")
