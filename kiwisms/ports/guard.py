"""What a guard before the provider tells of itself, to whoever counts."""

from enum import StrEnum
from typing import Protocol, runtime_checkable


class Circuit(StrEnum):
    """Whether calls are let through to upstream."""

    CLOSED = "CLOSED"
    """Every call is."""
    OPEN = "OPEN"
    """None is: upstream has failed too often."""
    HALF_OPEN = "HALF_OPEN"
    """Only the probe that shows whether upstream answers again."""


class Rejection(StrEnum):
    """Why a call was not let through; upstream was asked nothing."""

    CIRCUIT_OPEN = "CIRCUIT_OPEN"
    NO_PLACE = "NO_PLACE"
    """As many calls of its kind as may be were under way."""


class Watcher(Protocol):
    """Is told what becomes of each call; *call* is the name of the provider's method."""

    def answered(self, call: str, answer: str) -> None:
        """Upstream answered: with a refusal of this name, or with an answer of this class."""
        ...

    def rejected(self, call: str, why: Rejection) -> None:
        """The guard answered in upstream's place."""
        ...

    def circuit_changed(self, circuit: Circuit) -> None:
        """The circuit is like this from now on."""
        ...


@runtime_checkable
class Watched(Protocol):
    """A provider with a guard that can be watched."""

    def watch(self, watcher: Watcher) -> None:
        """Tell *watcher* how the circuit is, and from now on all that happens."""
        ...
