"""What all processes of one life share: time, chance, disk, upstream, receivers and history."""

from collections import Counter
from collections.abc import Collection
from datetime import datetime, timedelta
from random import Random
from typing import Final

from attrs import define, field, frozen

from kiwisms.adapters.simulator.services import Service
from kiwisms.adapters.simulator.upstream import Upstream
from kiwisms.domain.catalog import DEFAULT_COUNTRY, ServiceCode
from kiwisms.domain.ids import ActivationId, RentalId
from kiwisms.domain.money import Money
from kiwisms.domain.pace import Pace
from kiwisms.domain.terms import Terms
from kiwisms.testing.ids import CountingIds
from kiwisms.testing.simulation.describe import shorten
from kiwisms.testing.simulation.disk import Disk
from kiwisms.testing.simulation.faults import Fault, Faults
from kiwisms.testing.simulation.loop import SimulatedClock, SimulatedLoop
from kiwisms.testing.simulation.marks import Mark
from kiwisms.testing.simulation.receivers import Receivers

SERVICES: Final = tuple(
    Service(
        code=ServiceCode(code),
        country=DEFAULT_COUNTRY,
        name=name,
        cost=Money.parse(cost),
        count=1000,
        multi=multi,
    )
    for code, name, cost, multi in (
        ("go", "Google", "0.30", False),
        ("wa", "WhatsApp", "0.655", False),
        ("am", "Amazon", "0.15", True),
    )
)

LOOPS: Final = 0.15
"""The share of lives in which the servers run the worker's loops."""
WORST_MOMENT: Final = 0.1
"""The share of cancels and releases during which a message arrives for the number."""


class SmallUpstream(Upstream):
    """An upstream with three services: a catalog of twenty-eight would slow every life down."""

    def __attrs_post_init__(self) -> None:
        self.stock(*SERVICES)


@frozen(kw_only=True)
class Line:
    """One line of a history."""

    seconds: float
    who: str
    what: str

    def __str__(self) -> str:
        return shorten(f"{self.seconds:10.3f}  {self.who:10}  {self.what}")


@define(kw_only=True, eq=False)
class World:
    """
    All that the processes of one life share.

    Attributes:
        seed: Everything in this life is drawn from it.
        loop: Runs every task of this life.
        clock: Shows the time of the loop.
        chance: Draws delays, and what upstream does.
        faults: Decides what goes wrong.
        terms: The operator's terms.
        disk: The data that outlives every process.
        upstream: The provider's own state.
        receivers: The receivers of the webhooks.
        ids: One counter for all processes.
        marks: How often each mark has been reached.
        broken: A sentence for each time a law did not hold.
        history: A line for each thing that happened; None when no history is kept.
        number_requests: How often a process asked upstream for a number.
        numbers_received: The numbers whose sale was answered to the process that asked.
        handed_back: The numbers that a process asked upstream to cancel.
        by_hand: The numbers that a person rented upstream without kiwisms.
        struck: The kinds of faults that have happened.
        silent: The numbers about which upstream no longer answers.
        looks: When each number was looked at, without the looks for which upstream was not asked.
        shown: Every code that a look has shown, with its number.
        hastened: How often a pushed message made each rental due for a look.
        pushes: Whether upstream pushes messages.
        loops: Whether the servers run the worker's loops; see `Cluster`.
        away_until: Upstream cannot be reached before this moment.
    """

    seed: int
    loop: SimulatedLoop
    clock: SimulatedClock
    chance: Random
    faults: Faults
    terms: Terms
    disk: Disk
    upstream: Upstream
    receivers: Receivers
    ids: CountingIds = field(factory=CountingIds)
    marks: Counter[str] = field(factory=Counter)
    broken: list[str] = field(factory=list)
    history: list[Line] | None = None
    number_requests: int = 0
    numbers_received: set[ActivationId] = field(factory=set)
    handed_back: set[ActivationId] = field(factory=set)
    by_hand: set[ActivationId] = field(factory=set)
    struck: set[Fault] = field(factory=set)
    silent: set[ActivationId] = field(factory=set)
    looks: dict[ActivationId, list[datetime]] = field(factory=dict)
    shown: set[tuple[ActivationId, str]] = field(factory=set)
    hastened: Counter[RentalId] = field(factory=Counter)
    pushes: bool
    loops: bool
    away_until: datetime

    def reach(self, mark: str) -> None:
        """Count that a branch was reached: a `Mark`, or one of your own."""
        self.marks[mark] += 1

    def law_broken(self, what: str) -> None:
        """Record that a law does not hold."""
        self.broken.append(what)
        self.log("LAW", what)

    def log(self, who: str, what: str) -> None:
        """Add a line to the history, when one is kept."""
        if self.history is not None:
            self.history.append(Line(seconds=self.loop.time(), who=who, what=what))

    def strikes(self, fault: Fault, who: str) -> bool:
        """Draw whether *fault* happens to *who* now."""
        # This runs at every step of every life, and most lives have few faults.
        if fault not in self.faults.now or not self.faults.strikes(fault):
            return False
        self.struck.add(fault)
        self.log(who, f"! {fault}")
        return True

    def is_upstream_away(self) -> bool:
        """Whether upstream cannot be reached now."""
        return self.clock.now() < self.away_until

    @property
    def is_faultless(self) -> bool:
        """Whether nothing has gone wrong in this life, and nothing can."""
        mishaps = {Mark.UPSTREAM_AWAY, Mark.FELL_SILENT, Mark.CRASHED}
        return not self.faults.drawn and not mishaps & self.marks.keys()

    @property
    def upstream_always_answers(self) -> bool:
        """Whether no answer from upstream has been lost in this life, and none can be."""
        lost = {Fault.QUESTION_LOST, Fault.ANSWER_LOST} & self.faults.drawn
        return not lost and not {Mark.UPSTREAM_AWAY, Mark.FELL_SILENT} & self.marks.keys()

    def deliver_at_worst_moment(self, activation_id: ActivationId) -> bool:
        """Sometimes deliver a message at the worst moment; return whether one arrived."""
        return self.chance.random() < WORST_MOMENT and self._deliver(activation_id)

    def schedule_messages(self, activation_id: ActivationId) -> None:
        """Draw which messages a number will receive that was just sold, and when."""
        for _ in range(self.chance.choice((0, 0, 1, 1, 1, 2))):
            self.loop.call_later(self._arrival(), self._deliver, activation_id)

    def _arrival(self) -> float:
        session = self.terms.pace.session.total_seconds()
        kind = self.chance.random()
        if kind < 0.1:
            return self.chance.uniform(0, 0.4)
        if kind < 0.5:
            return self.chance.uniform(0, session / 4)
        if kind < 0.75:
            return self.chance.uniform(0, session)
        return self.chance.uniform(session - 2, session + 2)

    def _deliver(self, activation_id: ActivationId) -> bool:
        code = f"{self.chance.randrange(10**6):06d}"
        received = self.upstream.deliver(code, self.clock.now(), to=activation_id)
        if received:
            self.log("upstream", f"{activation_id} received {code}")
        return received is not None


def draw_world(
    seed: int, *, never: Collection[Fault] = (), history: list[Line] | None = None
) -> World:
    """Draw the world of *seed*, without the faults in *never*; see `World`."""
    chance = Random(seed)
    loop = SimulatedLoop(Random(seed + 1))
    clock = SimulatedClock(loop)
    terms = _draw_terms(chance)
    return World(
        seed=seed,
        loop=loop,
        clock=clock,
        chance=chance,
        faults=Faults.draw(Random(-seed - 1), never=never),
        terms=terms,
        disk=Disk(waits=chance.random() < 0.5),
        upstream=_draw_upstream(chance, terms.pace.session),
        receivers=Receivers(),
        history=history,
        pushes=chance.random() < 0.5,
        loops=chance.random() < LOOPS,
        away_until=clock.now(),
    )


def _draw_terms(chance: Random) -> Terms:
    look = timedelta(seconds=chance.choice((10, 20)))
    return Terms(
        max_active_rentals=chance.choice((2, 4, 20)),
        cancels_per_hour=chance.choice((0, 1, 60)),
        pace=Pace(
            session=timedelta(seconds=chance.choice((40, 40, 40, 90))),
            look=look,
            look_asleep=look * 2,
            look_received=timedelta(seconds=15),
            request_timeout=timedelta(seconds=chance.choice((10, 30))),
            silent_after=timedelta(seconds=chance.choice((30, 120))),
            look_silent=look * 3,
            give_up_after=chance.choice((2, 20, 120)),
        ),
        lease=timedelta(seconds=chance.choice((5, 20))),
    )


def _draw_upstream(chance: Random, session: timedelta) -> Upstream:
    return SmallUpstream(
        session=session + timedelta(seconds=chance.choice((0, 0, -3, 15))),
        sleep=timedelta(seconds=chance.choice((0, 0, 8))),
        asks_for_next=chance.random() < 0.2,
        lists_active=chance.random() < 0.5,
        cancel_after=timedelta(seconds=chance.choice((0, 0, 0, 4))),
    )
