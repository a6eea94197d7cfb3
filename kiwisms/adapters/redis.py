"""Limits that several processes share, in Redis."""

import asyncio
import logging
from datetime import UTC, datetime, timedelta
from math import ceil
from types import TracebackType
from typing import Final, Self

from redis.asyncio import BlockingConnectionPool, Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

from kiwisms.ports.clock import Clock
from kiwisms.ports.limits import Limit, Limits

log = logging.getLogger(__name__)

MINUTE: Final = 60_000
"""Milliseconds."""
RETRY_AFTER: Final = timedelta(seconds=1)
CONNECTIONS: Final = 16

# One script, so that no counter is ever left without an expiry.
HIT: Final = """
local uses = redis.call('INCR', KEYS[1])
if uses == 1 then redis.call('PEXPIRE', KEYS[1], ARGV[1]) end
return {uses, redis.call('PTTL', KEYS[1])}
"""


class RedisLimits:
    """
    A `Limits` for all processes that use the same Redis; open it with ``async with``.

    A client's minute begins with its first use. While Redis is unreachable, *fallback* counts. Then
    one request a second tries Redis again, and all others do not wait for it.

    Args:
        url: ``redis://…`` or ``rediss://…``, as the redis library reads it.
        clock: Decides when to try Redis again.
        fallback: Counts while Redis is unreachable.
        patience: The longest wait of a request for Redis, in seconds.
    """

    def __init__(self, url: str, *, clock: Clock, fallback: Limits, patience: float = 0.25) -> None:
        self._redis = Redis.from_pool(
            BlockingConnectionPool.from_url(
                url,
                max_connections=CONNECTIONS,
                timeout=patience,
                # Retry once: a pooled connection may have been closed meanwhile.
                retry=Retry(NoBackoff(), 1),
            )
        )
        self._script = self._redis.register_script(HIT)
        self._clock = clock
        self._fallback = fallback
        self._patience = patience
        self._is_unreachable = False
        self._retry_at = datetime.min.replace(tzinfo=UTC)

    async def __aenter__(self) -> Self:
        """Return at once; the first use connects."""
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close the connections."""
        await self._redis.aclose()

    async def hit(self, limit: Limit, who: str) -> int:
        """Count one use by *who*; see `Limits`."""
        now = self._clock.now()
        if now < self._retry_at:
            return await self._fallback.hit(limit, who)
        if self._is_unreachable:
            self._retry_at = now + RETRY_AFTER
        try:
            async with asyncio.timeout(self._patience):
                wait = await self._count(limit, who)
        except (RedisError, OSError) as why:
            self._note_failure(why)
            return await self._fallback.hit(limit, who)
        self._note_success()
        return wait

    async def trouble(self) -> str | None:
        """Return why Redis is unreachable; ``None`` when it answers."""
        try:
            async with asyncio.timeout(self._patience):
                await self._count(Limit("doctor", 1), "doctor")
        except (RedisError, OSError) as why:
            return self._reason(why)
        return None

    async def _count(self, limit: Limit, who: str) -> int:
        uses, left = await self._script(keys=[f"kiwisms:{limit.name}:{who}"], args=[MINUTE])
        return 0 if uses <= limit.per_minute else max(1, ceil(left / 1000))

    def _note_failure(self, why: Exception) -> None:
        self._retry_at = self._clock.now() + RETRY_AFTER
        if not self._is_unreachable:
            log.warning(
                "Redis is unreachable (%s): limits are per process until it is back",
                self._reason(why),
            )
        self._is_unreachable = True

    def _note_success(self) -> None:
        self._retry_at = datetime.min.replace(tzinfo=UTC)
        if self._is_unreachable:
            log.info("Redis is back: limits are shared by all processes again")
        self._is_unreachable = False

    def _reason(self, why: Exception) -> str:
        return str(why) or f"no answer within {self._patience:g} s"
