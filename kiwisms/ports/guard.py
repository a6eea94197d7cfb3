"""What a guard before the provider reports about itself, for metrics."""

from enum import StrEnum
from typing import Protocol, runtime_checkable


class Circuit(StrEnum):
    """The circuit breaker: whether calls are let through to upstream."""

    CLOSED = "CLOSED"
    """Every call is let through."""
    OPEN = "OPEN"
    """No call is let through: upstream has failed too often."""
    HALF_OPEN = "HALF_OPEN"
    """Only a probe is let through, to find out whether upstream answers again."""


class Rejection(StrEnum):
    """Why a call was not let through: it never reached upstream."""

    CIRCUIT_OPEN = "CIRCUIT_OPEN"
    NO_PLACE = "NO_PLACE"
    """The maximum of calls of its kind was under way."""


class Watcher(Protocol):
    """Receives the outcome of each call; *call* is the name of the provider's method."""

    def answered(self, call: str, answer: str) -> None:
        """Upstream answered; *answer* is the name of its refusal, or the class of its answer."""
        ...

    def rejected(self, call: str, why: Rejection) -> None:
        """The guard rejected a call."""
        ...

    def circuit_changed(self, circuit: Circuit) -> None:
        """The circuit has changed to this state."""
        ...


@runtime_checkable
class Watched(Protocol):
    """A provider with a guard that can be watched."""

    def watch(self, watcher: Watcher) -> None:
        """Report the circuit's state to *watcher*, and from now on each outcome and change."""
        ...
