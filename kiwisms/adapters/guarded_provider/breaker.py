"""The circuit breaker as a table: after several failures in a row only probes are sent."""

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from attrs import define, field

from kiwisms.domain.transitions import next_state
from kiwisms.ports.guard import Circuit


class Event(StrEnum):
    """What can happen to a circuit."""

    TRIP = "TRIP"
    PROBE = "PROBE"
    RECOVER = "RECOVER"
    FAIL = "FAIL"


TRANSITIONS: Final[Mapping[tuple[Circuit, Event], Circuit]] = MappingProxyType(
    {
        (Circuit.CLOSED, Event.TRIP): Circuit.OPEN,
        (Circuit.OPEN, Event.PROBE): Circuit.HALF_OPEN,
        (Circuit.HALF_OPEN, Event.FAIL): Circuit.OPEN,
        (Circuit.HALF_OPEN, Event.RECOVER): Circuit.CLOSED,
    }
)


@define(eq=False)
class Breaker:
    """
    One circuit, which must open after *max_failures* failures in a row.

    Source: Michael Nygard, "Release It!", "Circuit Breaker".
    """

    max_failures: int
    circuit: Circuit = field(default=Circuit.CLOSED, init=False)
    _failures: int = field(default=0, init=False)

    def count(self, *, failed: bool) -> bool:
        """Count one call; return whether the circuit must open because of it."""
        if self.circuit is not Circuit.CLOSED:
            return False  # a call from before the circuit opened; only probes count now
        self._failures = self._failures + 1 if failed else 0
        return self._failures >= self.max_failures

    def turn(self, event: Event) -> None:
        """Change the state as the table says; raises `TransitionRefused`."""
        self.circuit = next_state(TRANSITIONS, self.circuit, event)
        self._failures = 0
