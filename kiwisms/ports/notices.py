"""A tap on the shoulder: something changed, so whoever waits should look."""

from typing import Protocol


class Notices(Protocol):
    """Hints only: whoever waits also looks by itself when the time is up."""

    def notify(self, topic: str) -> None:
        """Wake everybody who waits for *topic*."""
        ...

    async def wait(self, topic: str, seconds: float) -> None:
        """Return when *topic* is told, or after *seconds*."""
        ...
