"""Notices: wake tasks that wait for a change."""

from typing import Protocol


class Notices(Protocol):
    """Hints only: a notice may be lost, so a waiting task also looks when its time is up."""

    def notify(self, topic: str) -> None:
        """Wake all tasks that wait for *topic*."""
        ...

    async def wait(self, topic: str, seconds: float) -> None:
        """Return when *topic* is notified, or after *seconds*."""
        ...
