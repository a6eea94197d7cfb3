"""Measures how many lives of the simulation all cores run in a second."""

import os
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from attrs import frozen

from bench.numbers import Line, Spread
from kiwisms.testing.simulation import simulate

LIVES: Final = 2_000
ROUNDS: Final = 5
WANTED: Final = 1_000


@frozen(kw_only=True)
class Lives:
    """The speed of the simulation; *steps* is per life, and processor time is of all cores."""

    lives: int
    steps: float
    per_second: Spread
    per_processor_second: Spread
    rentals_per_second: Spread

    @property
    def lines(self) -> Sequence[Line]:
        """See `Measured`."""
        what = f"lives of {self.steps:.0f} steps, on {os.cpu_count()} cores"
        return (
            Line(what=what, measured=self.per_second, unit="/s", wanted=WANTED),
            Line(what="  rentals in them", measured=self.rentals_per_second, unit="/s"),
            Line(what="  per second of a core", measured=self.per_processor_second, unit="/s"),
        )


def measure(folder: Path) -> Lives:
    """Run the same lives several times."""
    del folder
    clock, processor, rentals, steps = [], [], [], 0.0
    for _ in range(ROUNDS):
        began, worked = time.perf_counter(), _worked()
        report = simulate(range(LIVES), processes=os.cpu_count() or 1)
        assert not report.broken
        seconds = time.perf_counter() - began
        clock.append(LIVES / seconds)
        rentals.append(report.rentals / seconds)
        processor.append(LIVES / (_worked() - worked))
        steps = report.steps / report.lives
    return Lives(
        lives=LIVES,
        steps=steps,
        per_second=Spread.of(clock),
        per_processor_second=Spread.of(processor),
        rentals_per_second=Spread.of(rentals),
    )


def _worked() -> float:
    """Return the processor time of this process and of those in its pools, in seconds."""
    times = os.times()
    return times.user + times.system + times.children_user + times.children_system
