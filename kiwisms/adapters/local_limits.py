"""Limits that each process counts for itself."""

from collections import OrderedDict
from datetime import datetime, timedelta
from math import ceil
from typing import Final

from attrs import define

from kiwisms.ports.clock import Clock
from kiwisms.ports.limits import Limit

MINUTE: Final = timedelta(minutes=1)

Who = tuple[str, str]
"""The name of a limit, and the client that uses it."""


@define
class _Minute:
    """How often a client used a limit in its current minute, and when the minute is over."""

    over_at: datetime
    uses: int = 0


class LocalLimits:
    """
    A `Limits` for one process.

    A client's minute begins with its first use. When it is over, the next use begins a new
    minute. One counter is kept for each client, and deleted when its minute is over.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        # Ordered by beginning: all minutes are equally long, so the first is over first.
        self._minutes: OrderedDict[Who, _Minute] = OrderedDict()

    async def hit(self, limit: Limit, who: str) -> int:
        """Count one use by *who*; see `Limits`."""
        now = self._clock.now()
        minute = self._minutes.get((limit.name, who))
        if minute is None or now >= minute.over_at:
            minute = self._begin((limit.name, who), now)
        if minute.uses >= limit.per_minute:
            return max(1, ceil((minute.over_at - now).total_seconds()))
        minute.uses += 1
        return 0

    def _begin(self, who: Who, now: datetime) -> _Minute:
        while self._minutes and now >= next(iter(self._minutes.values())).over_at:
            self._minutes.popitem(last=False)
        minute = self._minutes[who] = _Minute(now + MINUTE)
        self._minutes.move_to_end(who)
        return minute
