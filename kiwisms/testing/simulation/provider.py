"""The connection of one process to upstream, with its faults."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Final, TypeVar

from attrs import evolve

from kiwisms.domain.catalog import Catalog, CountryCode
from kiwisms.domain.ids import ActivationId
from kiwisms.domain.money import Money
from kiwisms.ports.clock import Clock
from kiwisms.ports.provider import (
    Active,
    Ambiguous,
    Cancelled,
    Finished,
    Gone,
    Look,
    NoAnswer,
    NumberOrder,
    Received,
    Refusal,
    Refused,
    Rented,
    TooEarly,
    Unknown,
)
from kiwisms.testing.provider import FakeProvider
from kiwisms.testing.simulation.describe import describe
from kiwisms.testing.simulation.faults import Fault
from kiwisms.testing.simulation.marks import Mark
from kiwisms.testing.simulation.process import Process
from kiwisms.testing.simulation.world import World

NOT_ASKED: Final = (
    Unknown("no answer"),
    Unknown("not asked", asked=False),
    Refused(Refusal.UNREACHABLE),
    Refused(Refusal.BAD_KEY),
)
"""The answers to a question on which upstream did not act."""

T = TypeVar("T")


class _Now:
    """A `Clock` without waiting for the inner stand-in: `ProcessProvider` adds the delays."""

    def __init__(self, clock: Clock) -> None:
        self.now = clock.now

    async def sleep(self, seconds: float) -> None:
        """Return at once."""
        del seconds


class ProcessProvider:
    """
    A `Provider` over the upstream of a life, which fails as real ones do.

    A question or its answer may be lost, upstream may refuse, a question that is safe to repeat
    may arrive twice, and the process may die before or after it.
    """

    def __init__(self, world: World, process: Process) -> None:
        self._world, self._process = world, process
        self._inner = FakeProvider(_Now(world.clock), world.upstream)

    @property
    def asks_for_next(self) -> bool:
        """Whether each further message must be asked for."""
        return self._inner.asks_for_next

    async def rent(self, order: NumberOrder) -> Rented | Refused | Unknown:
        """Ask for a number, once."""
        return await self._ask_for_number("rent", lambda: self._inner.rent(order))

    async def renew(self, activation_id: ActivationId) -> Rented | Refused | Unknown:
        """Ask, once, for a new session on the number of an earlier activation."""
        return await self._ask_for_number(
            f"renew {activation_id}", lambda: self._inner.renew(activation_id)
        )

    async def look(self, activation_id: ActivationId) -> Look:
        """Read the state of a number and its last message."""
        seen = await self._ask_about(activation_id, "look", lambda: self._inner.look(activation_id))
        if not isinstance(seen, NoAnswer) or seen.asked:
            self._world.looks.setdefault(activation_id, []).append(self._world.clock.now())
        if isinstance(seen, Received):
            self._world.shown.add((activation_id, seen.code))
        return seen

    async def ask_next(self, activation_id: ActivationId) -> None:
        """Ask for a further message."""
        self._world.reach(Mark.ASKED_FOR_NEXT)
        await self._ask_about(activation_id, "next", lambda: self._inner.ask_next(activation_id))

    async def finish(self, activation_id: ActivationId) -> Finished | Gone | Refused | Unknown:
        """Release a number that is paid for."""

        async def finish() -> Finished | Gone | Refused | Unknown:
            if self._world.deliver_at_worst_moment(activation_id):
                self._world.reach(Mark.CODE_AT_RELEASE)
            return await self._inner.finish(activation_id)

        return await self._ask_about(activation_id, "finish", finish, twice=True)

    async def cancel(
        self, activation_id: ActivationId
    ) -> Cancelled | Ambiguous | Gone | TooEarly | Refused | Unknown:
        """Cancel a number, which is then not paid for."""
        self._world.handed_back.add(activation_id)

        async def cancel() -> Cancelled | Ambiguous | Gone | TooEarly | Refused | Unknown:
            self._world.deliver_at_worst_moment(activation_id)
            return await self._inner.cancel(activation_id)

        answer = await self._ask_about(activation_id, "cancel", cancel, twice=True)
        if isinstance(answer, Cancelled) and not self._world.disk.has_number(activation_id):
            self._world.reach(Mark.HANDED_BACK)
        return answer

    async def catalog(self, country: CountryCode) -> Catalog | Refused | Unknown:
        """Read the offers of one country."""
        return await self._ask("catalog", lambda: self._inner.catalog(country))

    async def balance(self) -> Money | Refused | Unknown:
        """Read the money left in the operator's account upstream."""
        return await self._ask("balance", self._inner.balance)

    async def active(self) -> Sequence[Active] | Refused | Unknown:
        """List every number that is rented now."""
        return await self._ask("active", self._inner.active)

    async def _ask_for_number(
        self, what: str, act: Callable[[], Awaitable[Rented | Refused | Unknown]]
    ) -> Rented | Refused | Unknown:
        world, who = self._world, self._process.name
        world.number_requests += 1
        if world.strikes(Fault.CRASH, who):
            world.reach(Mark.CRASHED_BEFORE_ASKING)
            await self._process.die()
        if world.strikes(Fault.REFUSED, who):
            await self._process.network_delay()
            return Refused(world.chance.choice(list(Refusal)))
        answer = await self._ask(what, _selling(world, act))
        if isinstance(answer, Rented):
            if world.strikes(Fault.CRASH, who):
                world.reach(Mark.CRASHED_BEFORE_KEEPING)
                await self._process.die()
            world.numbers_received.add(answer.activation_id)
            if world.strikes(Fault.NO_PRICE, who):
                return evolve(answer, cost=None)
        return answer

    async def _ask_about(
        self,
        activation_id: ActivationId,
        what: str,
        act: Callable[[], Awaitable[T]],
        *,
        twice: bool = False,
    ) -> T | Refused | Unknown:
        silent = activation_id in self._world.silent
        return await self._ask(f"{what} {activation_id}", act, twice=twice, silent=silent)

    async def _ask(
        self,
        what: str,
        act: Callable[[], Awaitable[T]],
        *,
        twice: bool = False,
        silent: bool = False,
    ) -> T | Refused | Unknown:
        world, who = self._world, self._process.name
        await self._process.network_delay()
        if silent or world.is_upstream_away() or world.strikes(Fault.QUESTION_LOST, who):
            world.log(who, f"asked upstream to {what}: the question was lost")
            return world.chance.choice(NOT_ASKED)
        answer = await act()
        if twice and world.strikes(Fault.REPEATED, who):
            answer = await act()
        if world.history is not None:
            world.log(who, f"asked upstream to {what}: {describe(answer)}")
        if world.strikes(Fault.CRASH, who):
            await self._process.die()
        await self._process.network_delay()
        if world.is_upstream_away() or world.strikes(Fault.ANSWER_LOST, who):
            if isinstance(answer, Rented):
                world.reach(Mark.ANSWER_LOST)
            return Unknown("the answer was lost")
        return answer


def _selling(world: World, act: Callable[[], Awaitable[T]]) -> Callable[[], Awaitable[T]]:
    """Schedule the messages of a number as soon as *act* has sold it."""

    async def sell() -> T:
        answer = await act()
        if isinstance(answer, Rented):
            world.schedule_messages(answer.activation_id)
        return answer

    return sell
