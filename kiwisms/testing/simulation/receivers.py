"""The receivers of webhooks: what customers' servers have taken, and what they answer."""

import json
from collections import Counter
from collections.abc import Mapping
from typing import TYPE_CHECKING

from kiwisms.domain.delivery import GONE
from kiwisms.ports.webhooks import Answered, NotAnswered
from kiwisms.testing.simulation.faults import Fault
from kiwisms.testing.simulation.marks import Mark

if TYPE_CHECKING:
    from kiwisms.testing.simulation.process import Process
    from kiwisms.testing.simulation.world import World


class Receivers:
    """
    What the receivers have taken, and how they answer.

    Attributes:
        taken: How often each event, by its id, was taken, also when the answer was lost.
        bodies: The body of each event, which is the same on every try.
        dead: Addresses that will never answer again.
        gone: Addresses that answered 410, each with the events that got this answer.
    """

    def __init__(self) -> None:
        self.taken: Counter[str] = Counter()
        self.bodies: dict[str, bytes] = {}
        self.dead: set[str] = set()
        self.gone: dict[str, set[str]] = {}

    def forgive(self, url: str) -> None:
        """Allow calls to an address that the operator has set again."""
        self.gone.get(url, set()).clear()


class ProcessSender:
    """A `WebhookSender` of one process to receivers that fail as real ones do."""

    def __init__(self, world: "World", process: "Process") -> None:
        self._world, self._process = world, process

    async def send(
        self, url: str, *, body: bytes, headers: Mapping[str, str]
    ) -> Answered | NotAnswered:
        """Try once."""
        world, who = self._world, self._process.name
        await self._process.network_delay()
        if url in world.receivers.dead or world.strikes(Fault.RECEIVER_UNREACHABLE, who):
            return NotAnswered("no connection")
        if world.strikes(Fault.RECEIVER_FAILS, who):
            return Answered(500)
        if world.strikes(Fault.RECEIVER_GONE, who):
            world.reach(Mark.GONE)
            world.receivers.gone.setdefault(url, set()).add(headers["webhook-id"])
            return Answered(GONE)
        self._take(headers["webhook-id"], body)
        if world.strikes(Fault.CRASH, who):
            await self._process.die()
        await self._process.network_delay()
        if world.strikes(Fault.RECEIVER_ANSWER_LOST, who):
            return NotAnswered("no answer within 10 seconds")
        return Answered(200)

    def _take(self, event_id: str, body: bytes) -> None:
        world, books = self._world, self._world.receivers
        if books.bodies.setdefault(event_id, body) != body:
            world.law_broken(f"event {event_id} had two different bodies")
        books.taken[event_id] += 1
        if books.taken[event_id] > 1:
            world.reach(Mark.DELIVERED_TWICE)
        world.log("receiver", f"took {event_id}: {json.loads(body)['event']}")
