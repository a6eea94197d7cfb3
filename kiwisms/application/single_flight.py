"""Single flight: concurrent calls for the same slow work share one run of it."""

import asyncio
from collections.abc import Awaitable, Callable, Hashable
from typing import Generic, TypeVar

from attrs import define, field

K = TypeVar("K", bound=Hashable)
T = TypeVar("T")


class _AbandonedError(Exception):
    """The caller that ran the work for the others was cancelled."""


@define(eq=False)
class SingleFlight(Generic[K, T]):
    """Work in flight by key: the first caller runs it, the others wait for its outcome."""

    _flights: dict[K, asyncio.Future[T]] = field(factory=dict, init=False)

    def is_under_way(self, key: K) -> bool:
        """Whether the work of *key* is running now."""
        return key in self._flights

    async def do(self, key: K, work: Callable[[], Awaitable[T]]) -> T:
        """Run *work*, or await the outcome of the work of *key* that is already under way."""
        while (flight := self._flights.get(key)) is not None:
            try:
                return await asyncio.shield(flight)
            except _AbandonedError:
                continue
        return await self._fly(key, work)

    async def lead(self, key: K, work: Callable[[], Awaitable[T]]) -> T:
        """Run *work* after what is under way; callers of `do` meanwhile wait for it."""
        while (flight := self._flights.get(key)) is not None:
            await asyncio.wait([flight])
        return await self._fly(key, work)

    async def _fly(self, key: K, work: Callable[[], Awaitable[T]]) -> T:
        flight = self._flights[key] = asyncio.get_running_loop().create_future()
        try:
            outcome = await work()
        except BaseException as error:
            del self._flights[key]
            flight.set_exception(error if isinstance(error, Exception) else _AbandonedError())
            flight.exception()  # retrieved here, as it may be that no caller waits
            raise
        del self._flights[key]
        flight.set_result(outcome)
        return outcome
