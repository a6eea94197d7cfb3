"""A provider around another one: it answers at once when upstream would not."""

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

UNREACHABLE: Final = Refused(Refusal.UNREACHABLE)

Answer = TypeVar("Answer")


class _RejectedError(Exception):
    """A call was rejected, and not sent."""

    def __init__(self, why: Rejection) -> None:
        super().__init__(why)
        self.why = why


class GuardedProvider:
    """
    A `Provider` that guards another one with a circuit breaker and bulkheads.

    After several failures in a row the circuit opens: the only calls are probes, which read the
    balance, until one is answered. Failures are answers that are lost, late or garbage, and an
    upstream that cannot be reached. A refusal such as "no numbers" is an answer like any other.

    Three kinds of calls each have their own places, so that hanging calls of one kind do not block
    the others: first rents, renewals, cancels and releases; then looks; then lists.

    A rejected call is answered at once, like one that could not be sent. A rent is refused as
    ``UNREACHABLE``, so it is certain that no number was rented.

    Use it as an asynchronous context manager, which opens the guarded provider too.

    Args:
        provider: The provider to guard.
        clock: Times the pause before a probe; without one, the event loop does.
        failures: How many failures in a row open the circuit.
        pause: Seconds between two probes.
        places: How many calls of each kind may be in progress at once.
        patience: The longest wait of a call for a place, in seconds.
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
        """Stop probing, and close the guarded provider if it was opened here."""
        if self._probing is not None:
            self._probing.cancel()
            with suppress(asyncio.CancelledError):
                await self._probing
        await self._opened.aclose()

    def watch(self, watcher: Watcher) -> None:
        """Report the state of the circuit to *watcher*, and from now on every event."""
        self._watchers.append(watcher)
        watcher.circuit_changed(self._breaker.circuit)

    @property
    def asks_for_next(self) -> bool:
        """Whether a further message must be asked for."""
        return self._provider.asks_for_next

    async def rent(self, order: NumberOrder) -> Rented | Refused | Unknown:
        """Ask for a number, once."""
        return await self._ask("rent", self._acts, lambda: self._provider.rent(order), _unreachable)

    async def renew(self, activation_id: ActivationId) -> Rented | Refused | Unknown:
        """Ask, once, for the number of an earlier activation."""
        return await self._ask(
            "renew", self._acts, lambda: self._provider.renew(activation_id), _unreachable
        )

    async def look(self, activation_id: ActivationId) -> Look:
        """Read the state of a number and its last message."""
        return await self._ask(
            "look", self._looks, lambda: self._provider.look(activation_id), _unknown
        )

    async def ask_next(self, activation_id: ActivationId) -> None:
        """Ask for a further message; the next look shows whether that worked."""
        try:
            async with self._place(self._looks):
                await self._provider.ask_next(activation_id)
        except _RejectedError as rejected:
            self._report_rejection("ask_next", rejected.why)

    async def finish(self, activation_id: ActivationId) -> Finished | Gone | Refused | Unknown:
        """Release a number that is paid for."""
        return await self._ask(
            "finish", self._acts, lambda: self._provider.finish(activation_id), _unknown
        )

    async def cancel(
        self, activation_id: ActivationId
    ) -> Cancelled | Ambiguous | Gone | TooEarly | Refused | Unknown:
        """Cancel a number, which is then not paid for."""
        return await self._ask(
            "cancel", self._acts, lambda: self._provider.cancel(activation_id), _unknown
        )

    async def catalog(self, country: CountryCode) -> Catalog | Refused | Unknown:
        """Read the offers of one country."""
        return await self._ask(
            "catalog", self._lists, lambda: self._provider.catalog(country), _unreachable
        )

    async def balance(self) -> Money | Refused | Unknown:
        """Read the money left in the account."""
        return await self._ask("balance", self._lists, self._provider.balance, _unreachable)

    async def active(self) -> Sequence[Active] | Refused | Unknown:
        """List every number that is rented now."""
        return await self._ask("active", self._lists, self._provider.active, _unknown)

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
            self._report_rejection(call, rejected.why)
            return reject(rejected.why)
        self._report_answer(call, answer)
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
        """Read the balance, as it costs and changes nothing; a lost rent may cost a number."""
        try:
            answer = await self._provider.balance()
        except Exception:
            # A provider must not raise; if it does, the next probe must still be sent.
            log.exception("the probe of the provider failed")
            return False
        self._report_answer("balance", answer)
        return not _is_failure(answer)

    def _turn(self, event: Event) -> None:
        self._breaker.turn(event)
        for watcher in self._watchers:
            watcher.circuit_changed(self._breaker.circuit)

    def _report_answer(self, call: str, answer: object) -> None:
        kind = answer.reason if isinstance(answer, Refused) else type(answer).__name__
        for watcher in self._watchers:
            watcher.answered(call, kind)

    def _report_rejection(self, call: str, why: Rejection) -> None:
        for watcher in self._watchers:
            watcher.rejected(call, why)


def _is_failure(answer: object) -> bool:
    lost = isinstance(answer, Unknown) and answer.asked
    return lost or answer == UNREACHABLE


def _unreachable(_: Rejection) -> Refused:
    return UNREACHABLE


def _unknown(why: Rejection) -> Unknown:
    return Unknown(f"nothing was asked: {why}", asked=False)
