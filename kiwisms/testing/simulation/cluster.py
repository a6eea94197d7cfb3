"""The server processes of one life: they die, restart, and share the work that is due."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from typing import Final, TypeVar

from attrs import define, field

from kiwisms.domain.ids import AccountId
from kiwisms.domain.terms import Terms
from kiwisms.entrypoints.engine import Kiwisms, Ports, join
from kiwisms.ports.limits import Limit
from kiwisms.testing.kit import PUSH_SECRET
from kiwisms.testing.passwords import QuickPasswords
from kiwisms.testing.simulation.marks import Mark
from kiwisms.testing.simulation.notices import SimulatedNotices
from kiwisms.testing.simulation.process import ConnectionLost, Process
from kiwisms.testing.simulation.provider import ProcessProvider
from kiwisms.testing.simulation.receivers import ProcessSender
from kiwisms.testing.simulation.server import Server
from kiwisms.testing.simulation.store import ProcessStore
from kiwisms.testing.simulation.world import World
from kiwisms.testing.vault import PlainVault

T = TypeVar("T")
Join = Callable[[Ports, Terms], Kiwisms]

AGAIN: Final = timedelta(seconds=0.2)
"""After this long the cluster checks again whether due work was claimed."""


class _NoLimits:
    """A `Limits` that allows everything: the simulation has no HTTP requests to limit."""

    async def hit(self, limit: Limit, who: str) -> int:
        """Count nothing."""
        del limit, who
        return 0


def usual_join(ports: Ports, terms: Terms) -> Kiwisms:
    """Build kiwisms as it is."""
    return join(ports, terms, catalog_age=timedelta(seconds=30), push_secrets=[PUSH_SECRET])


@define(kw_only=True, eq=False)
class Cluster:
    """
    All server processes over one disk. When one dies, its work is due again after the lease.

    In some lives each server runs the worker's loops. In the others one server claims the work as
    soon as it is due, which saves the polls that find nothing: most of what the loops do.
    """

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
        Send a request to one of the running servers, chosen by *luck*.

        Raises:
            ConnectionLost: No server is up, or the answer was lost.
            KiwismsError: The use case raised it.
        """
        if not self.servers:
            raise ConnectionLost("no server is up")
        server = self.servers[int(luck * len(self.servers))]

        async def handle() -> T:
            return await request(server.kiwi)

        return await server.process.serve(handle())

    def crash_one(self, luck: float) -> None:
        """Kill one of the running servers, chosen by *luck*."""
        if self.servers:
            self.servers[int(luck * len(self.servers))].process.crash()

    async def stop_one(self, luck: float) -> None:
        """Stop one of the running servers gracefully, and start another."""
        if not self.servers:
            return
        server = self.servers.pop(int(luck * len(self.servers)))
        self.world.log(server.process.name, "is to stop")
        await server.stop()
        if server.process.alive:
            self.world.log(server.process.name, "has stopped")
            self._start()

    async def stop_all(self, time: timedelta) -> None:
        """Stop every server gracefully, and start as many again after some *time*."""
        stopped, self.servers = self.servers, []
        await asyncio.gather(*(server.stop() for server in stopped))
        self.world.log("operator", f"all servers are stopped for {time}")
        await asyncio.sleep(time.total_seconds())
        for server in stopped:
            if server.process.alive:
                self._start()
        if stopped:
            self.world.reach(Mark.STOPPED_ALL)

    def _start(self) -> None:
        self._started += 1
        world = self.world
        process = Process(world, f"server {self._started}", self._on_death)
        notices = SimulatedNotices(world.loop, self._is_due)
        ports = Ports(
            store=ProcessStore(world, process),
            provider=ProcessProvider(world, process),
            sender=ProcessSender(world, process),
            limits=_NoLimits(),
            notices=notices,
            vault=PlainVault(),
            passwords=QuickPasswords(),
            clock=world.clock,
            ids=world.ids,
        )
        kiwi = self.join(ports, world.terms)
        self.servers.append(Server(world=world, process=process, kiwi=kiwi, notices=notices))
        if world.disk.first_due is not None:
            self._arm(max(world.disk.first_due, world.clock.now()))

    def _on_death(self, dead: Process) -> None:
        self.servers = [server for server in self.servers if server.process is not dead]
        self.world.log(dead.name, "died")
        self.world.loop.call_later(self.world.chance.uniform(0.1, 10), self._start)

    def _after_commit(self, account_id: AccountId) -> None:
        del account_id
        due = self.world.disk.first_due
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
        if not self.servers:
            return
        due, now = self.world.disk.first_due, self.world.clock.now()
        if due is None:
            return
        if due > now:
            self._arm(due)
            return
        # Without loops one server claims everything. Loops at capacity claim nothing: wake all.
        awake = self.servers
        if awake and not self.world.loops:
            awake = [self.world.chance.choice(awake)]
        for server in awake:
            server.work_is_due()
        self._arm(now + AGAIN)

    def _is_due(self) -> bool:
        due = self.world.disk.first_due
        return due is not None and due <= self.world.clock.now()
