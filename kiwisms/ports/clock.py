"""Time as a port, so that tests and simulations control it."""

from datetime import datetime
from typing import Protocol


class Clock(Protocol):
    """The current time, and waiting."""

    def now(self) -> datetime:
        """The current moment, with its zone set to UTC."""
        ...

    async def sleep(self, seconds: float) -> None:
        """Wait; zero lets other tasks run."""
        ...
