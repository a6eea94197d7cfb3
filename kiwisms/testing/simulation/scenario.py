"""What is put to the test: how kiwisms is joined, which laws must hold, which marks be reached."""

from attrs import field, frozen

from kiwisms.testing.simulation.cluster import Join, usual_join
from kiwisms.testing.simulation.laws import LAWS, LAWS_AT_REST
from kiwisms.testing.simulation.life import Law
from kiwisms.testing.simulation.marks import Mark


@frozen(kw_only=True)
class Scenario:
    """
    What a run puts to the test; without arguments it is kiwisms as it is.

    Args:
        join: Builds the use cases over one process's ports: put your own billing rules in here.
        laws: What must hold at any time.
        laws_at_rest: What must hold when nothing is left to do.
        marks: What must be reached in some life of a run that is long enough.
    """

    join: Join = usual_join
    laws: tuple[Law, ...] = field(default=LAWS, repr=False)
    laws_at_rest: tuple[Law, ...] = field(default=LAWS_AT_REST, repr=False)
    marks: frozenset[str] = field(default=frozenset(Mark), repr=False)
