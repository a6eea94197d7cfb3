"""What measurements have in common: numbers that vary, and the lines of the table."""

from collections.abc import Sequence
from statistics import median
from typing import Protocol

from attrs import frozen


@frozen(kw_only=True)
class Spread:
    """One number measured several times, since a single run says little on a busy machine."""

    median: float
    lowest: float
    highest: float

    @classmethod
    def of(cls, values: Sequence[float]) -> "Spread":
        """Summarise *values*."""
        return cls(median=median(values), lowest=min(values), highest=max(values))


@frozen(kw_only=True)
class Line:
    """One line of the table; *wanted* is the lowest good ratio, if there is one."""

    what: str
    measured: Spread
    unit: str = ""
    wanted: float | None = None


class Measured(Protocol):
    """The result of a measurement: an attrs object with lines for the table."""

    @property
    def lines(self) -> Sequence[Line]:
        """The ratios, and below each the numbers from which it was computed."""
        ...


def ratios(above: Sequence[float], below: Sequence[float]) -> Spread:
    """Divide numbers that were measured in turn, pair by pair."""
    return Spread.of([one / other for one, other in zip(above, below, strict=True)])
