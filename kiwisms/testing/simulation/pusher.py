"""The pushes of upstream: late, twice, in any order, and repeated until they are taken."""

import asyncio
from datetime import datetime
from typing import Final

from attrs import define, field, frozen

from kiwisms.adapters.simulator.activation import Activation
from kiwisms.domain.push import PushedMessage
from kiwisms.domain.sms import Message
from kiwisms.entrypoints.engine import Kiwisms
from kiwisms.ports.store import StoreUnavailable
from kiwisms.testing.simulation.cluster import Cluster
from kiwisms.testing.simulation.faults import Fault
from kiwisms.testing.simulation.marks import Mark
from kiwisms.testing.simulation.process import ConnectionLost
from kiwisms.testing.simulation.world import World

TRIES: Final = 8
AGAIN: Final = 15.0
"""Seconds before a retry of a push that was not taken."""
WHO: Final = "upstream"


@frozen(kw_only=True)
class _Push:
    """One push, in the terms of upstream's protocol."""

    message_id: str
    activation_id: str
    service: str
    code: str
    received_at: str

    def read(self, at: datetime) -> PushedMessage:
        """Parse it as the HTTP API does."""
        return PushedMessage.parse(
            message_id=self.message_id,
            activation_id=self.activation_id,
            service=self.service,
            code=self.code,
            text=f"{self.code} is your code",
            received_at=self.received_at,
            at=at,
        )


@define(kw_only=True, eq=False)
class Pusher:
    """
    Pushes messages, and records which of them were taken.

    Attributes:
        taken: The messages that a server has acknowledged, by id, each as of its first
            acknowledgement.
        forged: The messages that upstream never had, taken or not.
        early: The numbers for which a message was taken before any rental had them.
    """

    world: World
    cluster: Cluster
    taken: dict[str, PushedMessage] = field(factory=dict, init=False)
    forged: list[PushedMessage] = field(factory=list, init=False)
    early: set[str] = field(factory=set, init=False)
    _pushes: list[asyncio.Task[None]] = field(factory=list, init=False)

    def push(self, activation: Activation, message: Message) -> None:
        """Push a message that upstream has just received."""
        self._start(
            _Push(
                message_id=str(len(self._pushes)),
                activation_id=activation.id,
                service=activation.service,
                code=message.code,
                received_at=f"{message.at:%Y-%m-%d %H:%M:%S}",
            )
        )

    def forge(self, activation_id: str, service: str, code: str) -> None:
        """Push a message that upstream never had, as anyone can who knows the secret address."""
        forged = _Push(
            message_id=str(len(self._pushes)),
            activation_id=activation_id,
            service=service,
            code=code,
            received_at="",
        )
        self.forged.append(forged.read(self.world.clock.now()))
        self.world.reach(Mark.FORGED)
        self._start(forged)

    async def drain(self) -> None:
        """Wait until no push is in flight."""
        # The list may grow meanwhile: then this waits for the new pushes too.
        for push in self._pushes:
            await push

    def _start(self, push: _Push) -> None:
        self._pushes.append(self.world.loop.create_task(self._push(push)))

    async def _push(self, push: _Push) -> None:
        world = self.world
        late = world.strikes(Fault.PUSH_LATE, WHO)
        await asyncio.sleep(
            world.chance.uniform(1, 60) if late else world.chance.uniform(0.01, 0.5)
        )
        for number in range(TRIES):
            if number:
                await asyncio.sleep(AGAIN)
            if await self._post(push):
                break
        if world.strikes(Fault.PUSH_REPEATED, WHO):
            await asyncio.sleep(world.chance.uniform(0, 30))
            await self._post(push)

    async def _post(self, push: _Push) -> bool:
        world, known = self.world, push.message_id in self.world.disk.kept_pushes
        if world.is_upstream_away() or world.strikes(Fault.PUSH_LOST, WHO):
            return False

        async def take(kiwi: Kiwisms) -> None:
            await kiwi.pushes.accept(push.read(kiwi.ports.clock.now()))

        try:
            await self.cluster.ask(world.chance.random(), take)
        except (ConnectionLost, StoreUnavailable) as error:
            world.log(WHO, f"pushed {push.code} for {push.activation_id}: {error}")
            return False
        except Exception as error:  # noqa: BLE001 - any error is a finding
            world.law_broken(f"a pushed message raised {error!r}")
            return False
        world.log(WHO, f"pushed {push.code} for {push.activation_id}: taken")
        world.reach(Mark.PUSHED_AGAIN if known else Mark.PUSHED)
        self.taken.setdefault(push.message_id, push.read(world.clock.now()))
        if not world.disk.has_number(push.activation_id):
            self.early.add(push.activation_id)
        return True
