"""The provider port before another provider: answers at once where upstream would not."""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager, suppress
from typing import Final, Self, TypeVar

from kiwisms.adapters.guarded_provider.breaker import Breaker, Event
from kiwisms.domain.catalog import Catalog, CountryCode
from kiwisms.domain.ids import ActivationId
from kiwisms.domain.money import Money
from kiwisms.ports.clock import Clock
from kiwisms.ports.guard import Circuit, Rejection, Watcher
from kiwisms.ports.provider import (
    Active,
    Ambiguous,
    Cancelled,
    Finished,
    Gone,
    Look,
    NumberOrder,
    Provider,
    Refusal,
    Refused,
    Rented,
    TooEarly,
    Unknown,
)

log = logging.getLogger(__name__)

NOBODY: Final = Refused(Refusal.UNREACHABLE)

Answer = TypeVar("Answer")


class _RejectedError(Exception):
    """A call was not let through."""

    def __init__(self, why: Rejection) -> None:
        super().__init__(why)
        self.why = why


class GuardedProvider:
    """
    A `Provider` that asks another one only as long as that one answers.

    After some failures in a row it asks nothing but its balance now and then, until that is
    answered. An answer that is lost, garbage or late is a failure, and so is an upstream that
    cannot be reached; a refusal such as "no numbers" is an answer like any other. And so many
    calls may be under way at once, that one that hangs does not take everything: rents,
    renewals, cancels and releases have places of their own, looks have, and lists have.

    A call that is not let through is answered at once, as one that could not be sent: a number
    is refused as ``UNREACHABLE``, so that nobody need wonder whether it was rented.

    Use it as an asynchronous context manager, which opens the other one too.

    Args:
        provider: The one that is guarded.
        clock: Lets the pause before a probe pass; without one, the computer's.
        failures: How many in a row open the circuit.
        pause: Seconds between two probes.
        places: Calls of each kind that may be under way at once.
        patience: Seconds that a call waits for a place.
    """

    def __init__(
        self,
        provider: Provider,
        clock: Clock | None = None,
        *,
        failures: int = 5,
        pause: float = 5.0,
        places: int = 30,
        patience: float = 0.25,
    ) -> None:
        self._provider = provider
        self._sleep = asyncio.sleep if clock is None else clock.sleep
        self._breaker = Breaker(failures)
        self._pause = pause
        self._patience = patience
        self._acts = asyncio.Semaphore(places)
        self._looks = asyncio.Semaphore(places)
        self._lists = asyncio.Semaphore(places)
        self._watchers: list[Watcher] = []
        self._probing: asyncio.Task[None] | None = None
        self._opened = AsyncExitStack()

    async def __aenter__(self) -> Self:
        if isinstance(self._provider, AbstractAsyncContextManager):
            await self._opened.enter_async_context(self._provider)
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def close(self) -> None:
        """Probe no more, and close the other provider if it was opened here."""
        if self._probing is not None:
            self._probing.cancel()
            with suppress(asyncio.CancelledError):
                await self._probing
        await self._opened.aclose()

    def watch(self, watcher: Watcher) -> None:
        """Tell *watcher* how the circuit is, and from now on all that happens."""
        self._watchers.append(watcher)
        watcher.circuit_changed(self._breaker.circuit)

    @property
    def asks_for_next(self) -> bool:
        """Whether a further message must be asked for."""
        return self._provider.asks_for_next

    async def rent(self, order: NumberOrder) -> Rented | Refused | Unknown:
        """Ask for a number, once."""
        return await self._ask("rent", self._acts, lambda: self._provider.rent(order), _refuse)

    async def renew(self, activation_id: ActivationId) -> Rented | Refused | Unknown:
        """Ask, once, for the number of an earlier activation."""
        return await self._ask(
            "renew", self._acts, lambda: self._provider.renew(activation_id), _refuse
        )

    async def look(self, activation_id: ActivationId) -> Look:
        """Read what has come."""
        return await self._ask(
            "look", self._looks, lambda: self._provider.look(activation_id), _tell_nothing
        )

    async def ask_next(self, activation_id: ActivationId) -> None:
        """Ask for a further message; whether that failed, the next look shows."""
        try:
            async with self._place(self._looks):
                await self._provider.ask_next(activation_id)
        except _RejectedError as rejected:
            self._tell_rejection("ask_next", rejected.why)

    async def finish(self, activation_id: ActivationId) -> Finished | Gone | Refused | Unknown:
        """Release a number that is paid for."""
        return await self._ask(
            "finish", self._acts, lambda: self._provider.finish(activation_id), _tell_nothing
        )

    async def cancel(
        self, activation_id: ActivationId
    ) -> Cancelled | Ambiguous | Gone | TooEarly | Refused | Unknown:
        """Give a number back unpaid."""
        return await self._ask(
            "cancel", self._acts, lambda: self._provider.cancel(activation_id), _tell_nothing
        )

    async def catalog(self, country: CountryCode) -> Catalog | Refused | Unknown:
        """Read what is on offer in one country."""
        return await self._ask(
            "catalog", self._lists, lambda: self._provider.catalog(country), _refuse
        )

    async def balance(self) -> Money | Refused | Unknown:
        """Read the money left in the account."""
        return await self._ask("balance", self._lists, self._provider.balance, _refuse)

    async def active(self) -> Sequence[Active] | Refused | Unknown:
        """List every number that is rented out to us now."""
        return await self._ask("active", self._lists, self._provider.active, _tell_nothing)

    async def _ask(
        self,
        call: str,
        places: asyncio.Semaphore,
        ask: Callable[[], Awaitable[Answer]],
        reject: Callable[[Rejection], Answer],
    ) -> Answer:
        try:
            async with self._place(places):
                answer = await ask()
        except _RejectedError as rejected:
            self._tell_rejection(call, rejected.why)
            return reject(rejected.why)
        self._tell_answer(call, answer)
        if self._breaker.count(failed=_is_failure(answer)):
            log.warning("the provider fails (%s: %s); circuit opened", call, answer)
            self._turn(Event.TRIP)
            self._probing = asyncio.create_task(self._probe())
        return answer

    @asynccontextmanager
    async def _place(self, places: asyncio.Semaphore) -> AsyncIterator[None]:
        self._must_be_closed()
        try:
            async with asyncio.timeout(self._patience):
                await places.acquire()
        except TimeoutError:
            raise _RejectedError(Rejection.NO_PLACE) from None
        try:
            self._must_be_closed()  # it may have opened while this call waited
            yield
        finally:
            places.release()

    def _must_be_closed(self) -> None:
        if self._breaker.circuit is not Circuit.CLOSED:
            raise _RejectedError(Rejection.CIRCUIT_OPEN)

    async def _probe(self) -> None:
        while self._breaker.circuit is not Circuit.CLOSED:
            await self._sleep(self._pause)
            self._turn(Event.PROBE)
            self._turn(Event.RECOVER if await self._is_well() else Event.FAIL)
        log.warning("the provider answers again: circuit closed")

    async def _is_well(self) -> bool:
        """Ask what costs nothing and changes nothing: a rent that is lost may cost a number."""
        try:
            answer = await self._provider.balance()
        except Exception:
            # A provider must not raise; if it does, the next probe is still to come.
            log.exception("the probe of the provider failed")
            return False
        self._tell_answer("balance", answer)
        return not _is_failure(answer)

    def _turn(self, event: Event) -> None:
        self._breaker.turn(event)
        for watcher in self._watchers:
            watcher.circuit_changed(self._breaker.circuit)

    def _tell_answer(self, call: str, answer: object) -> None:
        kind = answer.reason if isinstance(answer, Refused) else type(answer).__name__
        for watcher in self._watchers:
            watcher.answered(call, kind)

    def _tell_rejection(self, call: str, why: Rejection) -> None:
        for watcher in self._watchers:
            watcher.rejected(call, why)


def _is_failure(answer: object) -> bool:
    lost = isinstance(answer, Unknown) and answer.asked
    return lost or answer == NOBODY


def _refuse(_: Rejection) -> Refused:
    return NOBODY


def _tell_nothing(why: Rejection) -> Unknown:
    return Unknown(f"nothing was asked: {why}", asked=False)
