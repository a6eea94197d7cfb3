"""
A deterministic simulation: the real use cases through thousands of lives in which all goes wrong.

`simulate` runs a life for each seed and checks the laws; `live` runs one; `shrink` finds the
shortest life that still breaks one. A `Scenario` puts your own rules to the same test.
"""

from kiwisms.testing.simulation.faults import Fault
from kiwisms.testing.simulation.laws import LAWS, LAWS_AT_REST
from kiwisms.testing.simulation.life import Law, Life
from kiwisms.testing.simulation.loop import SimulatedClock, SimulatedLoop, Stuck
from kiwisms.testing.simulation.marks import Mark
from kiwisms.testing.simulation.run import Choice, Outcome, Report, live, simulate
from kiwisms.testing.simulation.scenario import Scenario
from kiwisms.testing.simulation.shrink import shrink

__all__ = [
    "LAWS",
    "LAWS_AT_REST",
    "Choice",
    "Fault",
    "Law",
    "Life",
    "Mark",
    "Outcome",
    "Report",
    "Scenario",
    "SimulatedClock",
    "SimulatedLoop",
    "Stuck",
    "live",
    "shrink",
    "simulate",
]
