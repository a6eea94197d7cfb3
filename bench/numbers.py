"""What measurements have in common: numbers that vary, and the lines in which they are told."""

from collections.abc import Sequence
from statistics import median
from typing import Protocol

from attrs import frozen


@frozen(kw_only=True)
class Spread:
    """The same thing measured several times: on a busy machine no single time tells much."""

    median: float
    lowest: float
    highest: float

    @classmethod
    def of(cls, values: Sequence[float]) -> "Spread":
        """Sum *values* up."""
        return cls(median=median(values), lowest=min(values), highest=max(values))


@frozen(kw_only=True)
class Line:
    """One line of the table: *wanted* is the least ratio that is good enough, if there is one."""

    what: str
    measured: Spread
    unit: str = ""
    wanted: float | None = None


class Measured(Protocol):
    """What a measurement gives: an attrs object, and its lines."""

    @property
    def lines(self) -> Sequence[Line]:
        """The ratios, and below them the numbers that they are made of."""
        ...


def ratios(above: Sequence[float], below: Sequence[float]) -> Spread:
    """Divide what was measured in turn, pair by pair."""
    return Spread.of([one / other for one, other in zip(above, below, strict=True)])
