"""The circuit breaker as a table: after enough failures in a row, ask nothing but probes."""

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
    One circuit, which opens at the *most* failures in a row.

    Source: Michael Nygard, "Release It!", "Circuit Breaker".
    """

    most: int
    circuit: Circuit = field(default=Circuit.CLOSED, init=False)
    _failures: int = field(default=0, init=False)

    def count(self, *, failed: bool) -> bool:
        """Count one call, and say whether it is the failure at which the circuit must open."""
        if self.circuit is not Circuit.CLOSED:
            return False  # the call began before the circuit opened, and only a probe counts now
        self._failures = self._failures + 1 if failed else 0
        return self._failures >= self.most

    def turn(self, event: Event) -> None:
        """Go where the table says; raises `TransitionRefused`."""
        self.circuit = next_state(TRANSITIONS, self.circuit, event)
        self._failures = 0
