"""Rate limits."""

from typing import Protocol

from attrs import frozen


@frozen
class Limit:
    """At most *per_minute* uses; *name* keeps the counts of different limits apart."""

    name: str
    per_minute: int


class Limits(Protocol):
    """Counts uses, and reports when there were too many."""

    async def hit(self, limit: Limit, who: str) -> int:
        """
        Count one use by *who*: an API key, or a client address.

        Returns:
            0 when the use is within the limit, else the whole seconds until one would be.
        """
        ...
