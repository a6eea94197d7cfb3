"""How often somebody may do something."""

from typing import Protocol

from attrs import frozen


@frozen
class Limit:
    """At most *per_minute* uses; *name* keeps the counts of different limits apart."""

    name: str
    per_minute: int


class Limits(Protocol):
    """Counts uses and says when there were too many."""

    async def hit(self, limit: Limit, who: str) -> int:
        """
        Count one use by *who*.

        Returns:
            0 when it is within the limit, else the whole seconds until another one would be.
        """
        ...
