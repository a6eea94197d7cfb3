"""
A deterministic simulation: the real use cases in thousands of lives full of faults.

`simulate` runs a life for each seed and checks the laws. `live` runs one life. `shrink` finds the
shortest life that still breaks a law. A `Scenario` tests your own rules in the same way, and `main`
is the command line for all of it.
"""

from kiwisms.entrypoints.engine import Ports
from kiwisms.testing.simulation.cluster import Join, usual_join
from kiwisms.testing.simulation.command import main
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
    "Join",
    "Law",
    "Life",
    "Mark",
    "Outcome",
    "Ports",
    "Report",
    "Scenario",
    "SimulatedClock",
    "SimulatedLoop",
    "Stuck",
    "live",
    "main",
    "shrink",
    "simulate",
    "usual_join",
]
