"""Time as a port, so that tests and simulations own it."""

from datetime import datetime
from typing import Protocol


class Clock(Protocol):
    """Tells the time and lets it pass."""

    def now(self) -> datetime:
        """The current moment, with its zone set to UTC."""
        ...

    async def sleep(self, seconds: float) -> None:
        """Wait; zero lets others run."""
        ...
