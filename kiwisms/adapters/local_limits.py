"""Limits that are counted in this process alone."""

from collections import OrderedDict
from datetime import datetime, timedelta
from math import ceil
from typing import Final

from attrs import define

from kiwisms.ports.clock import Clock
from kiwisms.ports.limits import Limit

MINUTE: Final = timedelta(minutes=1)

Who = tuple[str, str]
"""The limit's name, and who uses it."""


@define
class _Minute:
    """How often somebody used a limit, and when that no longer counts."""

    over_at: datetime
    uses: int = 0


class LocalLimits:
    """
    A `Limits` for one process.

    The minute begins with somebody's first use, and who comes back after it starts anew: one
    number is kept for each, and forgotten when its minute is over.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        # All minutes are as long, so the first to begin is the first to be over.
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
