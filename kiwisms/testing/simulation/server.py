"""One server: a process, the engine in it, and its background work."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Final, TypeVar, cast

from attrs import define, field

from kiwisms.domain.errors import KiwismsError
from kiwisms.entrypoints.engine import Kiwisms
from kiwisms.entrypoints.worker import Worker
from kiwisms.testing.simulation.marks import Mark
from kiwisms.testing.simulation.notices import SimulatedNotices
from kiwisms.testing.simulation.process import Process
from kiwisms.testing.simulation.world import World

if TYPE_CHECKING:
    from kiwisms.application.background import Background
    from kiwisms.domain.delivery import Delivery
    from kiwisms.domain.incident import Incident
    from kiwisms.domain.rental import Rental

T = TypeVar("T")

MOST_AT_ONCE: Final = 20


@define(kw_only=True, eq=False)
class Server:
    """A process and the engine in it, which has its own caches and its own requests in flight."""

    world: World
    process: Process
    kiwi: Kiwisms
    notices: SimulatedNotices
    work: "WatchedBackground" = field(init=False)
    _worker: Worker = field(init=False)
    _running: asyncio.Task[None] | None = field(default=None, init=False)

    def __attrs_post_init__(self) -> None:
        self.work = WatchedBackground(self.world, self.process, self.kiwi.background)
        self._worker = Worker(background=cast("Background", self.work), notices=self.notices)
        if self.world.loops:
            self._running = self.process.start(self._worker.run())

    async def stop(self) -> None:
        """Stop claiming work, and finish the work in progress."""
        if self._running is not None:
            self._worker.stop()
            await asyncio.wait([self._running])
            if self.process.alive:
                self.world.reach(Mark.STOPPED)

    def work_is_due(self) -> None:
        """Claim and do the work that is due, unless another server claims it first."""
        if self._running is not None:
            self.notices.work_is_due()
        else:
            self.process.start(self._claim())

    async def _claim(self) -> None:
        disk, now, work = self.world.disk, self.world.clock.now, self.work
        with suppress(KiwismsError):
            if disk.dues.rentals <= now():
                self._start(work.process_rental, await work.claim_rentals(MOST_AT_ONCE))
            if disk.dues.deliveries <= now():
                self._start(work.deliver, await work.claim_deliveries(MOST_AT_ONCE))
            if disk.dues.incidents <= now():
                self._start(work.trace, await work.claim_incidents(MOST_AT_ONCE))

    def _start(self, work: Callable[[T], Awaitable[None]], items: Sequence[T]) -> None:
        for item in items:
            self.process.start(_swallow_errors(work, item))


class WatchedBackground:
    """
    A `Background` that logs each failure in the history, and reports unexpected errors.

    All other methods are those of the inner `Background`.
    """

    def __init__(self, world: World, process: Process, inner: "Background") -> None:
        self._world, self._process, self._inner = world, process, inner
        self.claim_rentals = inner.claim_rentals
        self.claim_deliveries = inner.claim_deliveries
        self.claim_incidents = inner.claim_incidents
        self.refresh_balance, self.prune = inner.refresh_balance, inner.prune
        self.pause = inner.pause

    async def process_rental(self, rental: "Rental") -> None:
        """Do the work for which a claimed rental is due."""
        await self._watch(self._inner.process_rental(rental))

    async def deliver(self, delivery: "Delivery") -> None:
        """Try a claimed delivery."""
        await self._watch(self._inner.deliver(delivery))

    async def trace(self, incident: "Incident") -> None:
        """Trace a claimed incident."""
        await self._watch(self._inner.trace(incident))

    async def _watch(self, work: Awaitable[None]) -> None:
        try:
            await work
        except KiwismsError as error:
            self._world.log(self._process.name, f"background work failed: {error!r}")
            raise
        except asyncio.CancelledError:
            self._world.reach(Mark.CRASHED_AT_WORK)
            raise
        except Exception as error:
            self._world.law_broken(f"background work raised {error!r}")
            raise


async def _swallow_errors(work: Callable[[T], Awaitable[None]], item: T) -> None:
    # `WatchedBackground` has reported it.
    with suppress(Exception):
        await work(item)
