"""The server processes of one life: they die, come back, and share the work that comes due."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from typing import Final, TypeVar

from attrs import define, field, frozen

from kiwisms.domain.errors import KiwismsError
from kiwisms.domain.ids import AccountId
from kiwisms.domain.terms import Terms
from kiwisms.entrypoints.engine import Kiwisms, Ports, join
from kiwisms.ports.limits import Limit
from kiwisms.testing.kit import PUSH_SECRET
from kiwisms.testing.passwords import QuickPasswords
from kiwisms.testing.simulation.disk import next_due
from kiwisms.testing.simulation.marks import Mark
from kiwisms.testing.simulation.notices import SimulatedNotices
from kiwisms.testing.simulation.process import ConnectionLost, Process
from kiwisms.testing.simulation.provider import ProcessProvider
from kiwisms.testing.simulation.receivers import ProcessSender
from kiwisms.testing.simulation.store import ProcessStore
from kiwisms.testing.simulation.world import World
from kiwisms.testing.vault import PlainVault

T = TypeVar("T")
Join = Callable[[Ports, Terms], Kiwisms]

MOST_AT_ONCE: Final = 20
AGAIN: Final = timedelta(seconds=0.2)
"""After this long somebody looks whether due work was really taken."""


class _NoLimits:
    """A `Limits` that never says no: the simulation begins behind the door."""

    async def hit(self, limit: Limit, who: str) -> int:
        """Count nothing."""
        del limit, who
        return 0


def usual_join(ports: Ports, terms: Terms) -> Kiwisms:
    """Join kiwisms as it is."""
    return join(ports, terms, catalog_age=timedelta(seconds=30), push_secrets=[PUSH_SECRET])


@frozen(kw_only=True, eq=False)
class Server:
    """A process and the engine in it, with caches and flights of its own."""

    process: Process
    kiwi: Kiwisms


@define(kw_only=True, eq=False)
class Cluster:
    """All server processes over one disk; the work of those that die comes due again."""

    world: World
    join: Join
    size: int
    servers: list[Server] = field(factory=list, init=False)
    _started: int = field(default=0, init=False)
    _armed: datetime | None = field(default=None, init=False)

    def __attrs_post_init__(self) -> None:
        self.world.disk.on_commit = self._after_commit
        for _ in range(self.size):
            self._start()

    async def ask(self, luck: float, request: Callable[[Kiwisms], Awaitable[T]]) -> T:
        """
        Send a request to one of the servers that are up, which *luck* chooses.

        Raises:
            ConnectionLost: None is up, or the answer never came.
            KiwismsError: What the use case raised.
        """
        if not self.servers:
            raise ConnectionLost("no server is up")
        server = self.servers[int(luck * len(self.servers))]

        async def handle() -> T:
            return await request(server.kiwi)

        return await server.process.serve(handle())

    def crash_one(self, luck: float) -> None:
        """Kill one of the servers that are up."""
        if self.servers:
            self.servers[int(luck * len(self.servers))].process.crash()

    def earliest(self) -> datetime | None:
        """When the next work comes due, of all accounts."""
        dues = map(next_due, self.world.disk.records.values())
        return min((due for due in dues if due is not None), default=None)

    def _start(self) -> None:
        self._started += 1
        world = self.world
        process = Process(world, f"server {self._started}", self._bury)
        ports = Ports(
            store=ProcessStore(world, process),
            provider=ProcessProvider(world, process),
            sender=ProcessSender(world, process),
            limits=_NoLimits(),
            notices=SimulatedNotices(world.loop),
            vault=PlainVault(),
            passwords=QuickPasswords(),
            clock=world.clock,
            ids=world.ids,
        )
        self.servers.append(Server(process=process, kiwi=self.join(ports, world.terms)))

    def _bury(self) -> None:
        [dead] = [server for server in self.servers if not server.process.alive]
        self.servers.remove(dead)
        self.world.tell(dead.process.name, "died")
        self.world.loop.call_later(self.world.chance.uniform(0.1, 10), self._start)

    def _after_commit(self, account_id: AccountId) -> None:
        due = next_due(self.world.disk.records[account_id])
        if due is not None:
            self._arm(due)

    def _arm(self, at: datetime) -> None:
        if self._armed is None or at < self._armed:
            self._armed = at
            self.world.loop.call_later(self.world.clock.seconds_until(at), self._alarm, at)

    def _alarm(self, at: datetime) -> None:
        if at != self._armed:
            return
        self._armed = None
        due, now = self.earliest(), self.world.clock.now()
        if due is None:
            return
        if due > now:
            self._arm(due)
            return
        if self.servers:
            server = self.world.chance.choice(self.servers)
            server.process.start(self._guarded(server, self._work, server))
        self._arm(now + AGAIN)

    async def _work(self, server: Server) -> None:
        background = server.kiwi.background
        for rental in await background.claim_rentals(MOST_AT_ONCE):
            server.process.start(self._guarded(server, background.tend, rental))
        for delivery in await background.claim_deliveries(MOST_AT_ONCE):
            server.process.start(self._guarded(server, background.deliver, delivery))

    async def _guarded(
        self, server: Server, work: Callable[[T], Awaitable[object]], item: T
    ) -> None:
        try:
            await work(item)
        except KiwismsError as error:
            self.world.tell(server.process.name, f"background work failed: {error!r}")
        except asyncio.CancelledError:
            self.world.reach(Mark.CRASHED_AT_WORK)
            raise
        except Exception as error:  # noqa: BLE001 - whatever it is, it is a finding
            self.world.break_law(f"background work raised {error!r}")
