"""What a run tests: how kiwisms is built, which laws must hold, which marks must be reached."""

from attrs import field, frozen

from kiwisms.testing.simulation.cluster import Join, usual_join
from kiwisms.testing.simulation.laws import LAWS, LAWS_AT_REST
from kiwisms.testing.simulation.life import Law
from kiwisms.testing.simulation.marks import Mark


@frozen(kw_only=True)
class Scenario:
    """
    What a run tests; without arguments that is kiwisms as it is.

    Args:
        join: Builds the use cases over the ports of one process; a place for your own rules.
        laws: What must hold at any time.
        laws_at_rest: What must hold when no work is left.
        marks: What some life must reach, in a run that is long enough.
    """

    join: Join = usual_join
    laws: tuple[Law, ...] = field(default=LAWS, repr=False)
    laws_at_rest: tuple[Law, ...] = field(default=LAWS_AT_REST, repr=False)
    marks: frozenset[str] = field(default=frozenset(Mark), repr=False)
