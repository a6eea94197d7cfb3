"""Limits that are counted in this process alone."""

import time
from functools import lru_cache
from math import ceil

from limits import RateLimitItemPerMinute
from limits.storage import MemoryStorage
from limits.strategies import FixedWindowRateLimiter

from kiwisms.ports.limits import Limit


class LocalLimits:
    """
    A `Limits` for one process.

    The minute begins with somebody's first use, and who comes back after it starts anew: one
    number is kept for each, and forgotten when its minute is over.
    """

    def __init__(self) -> None:
        # Not the library's asyncio storage: that starts a task, at times a thread, for its hits.
        self._limiter = FixedWindowRateLimiter(MemoryStorage())

    async def hit(self, limit: Limit, who: str) -> int:
        """Count one use by *who*; see `Limits`."""
        item = _item(limit.per_minute)
        if self._limiter.hit(item, limit.name, who):
            return 0
        over_at = self._limiter.get_window_stats(item, limit.name, who).reset_time
        return max(1, ceil(over_at - time.time()))


@lru_cache
def _item(per_minute: int) -> RateLimitItemPerMinute:
    return RateLimitItemPerMinute(per_minute)
