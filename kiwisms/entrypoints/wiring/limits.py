"""Opens the rate limits: those of this process, or those in a Redis."""

from typing import TYPE_CHECKING

from kiwisms.adapters.local_limits import LocalLimits
from kiwisms.adapters.system import SystemClock
from kiwisms.entrypoints.extras import importing_extra
from kiwisms.entrypoints.settings import Settings
from kiwisms.ports.clock import Clock
from kiwisms.ports.limits import Limits

if TYPE_CHECKING:
    from kiwisms.adapters.redis import RedisLimits


def open_limits(settings: Settings, clock: Clock) -> Limits:
    """
    Make the limits of this process, or those of all processes that share a Redis.

    Raises:
        ValidationRefused: The settings name a Redis, but its library is not installed.
    """
    return LocalLimits(clock) if settings.redis_url is None else _redis(settings.redis_url, clock)


async def redis_problem(settings: Settings) -> str | None:
    """Say why Redis does not answer; ``None`` if it does. Raises as `open_limits` does."""
    if settings.redis_url is None:
        return None
    async with _redis(settings.redis_url, SystemClock()) as limits:
        return await limits.trouble()


def _redis(url: str, clock: Clock) -> "RedisLimits":
    # It comes with an extra, and is slow to import: most commands do not need it.
    with importing_extra("redis", "KIWISMS_REDIS_URL"):
        from kiwisms.adapters.redis import RedisLimits
    return RedisLimits(url, clock=clock, fallback=LocalLimits(clock))
