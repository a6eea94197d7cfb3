"""What one life has only once: time, chance, the disk, upstream, the receivers and the history."""

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
"""In how many lives the servers run the worker's loops."""
WORST_MOMENT: Final = 0.1
"""How often a message comes just as its number is cancelled or released."""


class SmallUpstream(Upstream):
    """An upstream that sells three services: a catalog of twenty-eight costs a life its time."""

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
        seed: What everything in this life was drawn from.
        loop: Runs everything.
        clock: The time of all who live here.
        chance: What draws delays and what upstream does.
        faults: What goes wrong.
        terms: The operator's terms.
        disk: What outlives every process.
        upstream: The provider's own books.
        receivers: Where webhooks arrive.
        ids: Counted by all processes together.
        marks: What has been reached, and how often.
        broken: Laws that were seen not to hold, as sentences.
        history: What happened, when somebody wants to read it; None when nobody does.
        asked: How often a process asked upstream for a number.
        heard: The numbers that upstream sold to a process that heard of it.
        handed_back: The numbers that somebody asked upstream to cancel.
        by_hand: The numbers that somebody rented upstream without us.
        struck: The faults that have struck somebody.
        silent: The numbers of which upstream tells nothing any more.
        shown: Each number with each code that a look has shown.
        hastened: How often each rental was to be looked at because a message was pushed.
        pushes: Whether upstream pushes messages.
        loops: Whether the servers run the worker's loops; see `Cluster`.
        away_until: Until when upstream cannot be reached.
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
    asked: int = 0
    heard: set[ActivationId] = field(factory=set)
    handed_back: set[ActivationId] = field(factory=set)
    by_hand: set[ActivationId] = field(factory=set)
    struck: set[Fault] = field(factory=set)
    silent: set[ActivationId] = field(factory=set)
    shown: set[tuple[ActivationId, str]] = field(factory=set)
    hastened: Counter[RentalId] = field(factory=Counter)
    pushes: bool
    loops: bool
    away_until: datetime

    def reach(self, mark: str) -> None:
        """Say that a branch was reached: a `Mark`, or one of your own."""
        self.marks[mark] += 1

    def break_law(self, what: str) -> None:
        """Say that a law does not hold."""
        self.broken.append(what)
        self.tell("LAW", what)

    def tell(self, who: str, what: str) -> None:
        """Add a line to the history, if one is kept."""
        if self.history is not None:
            self.history.append(Line(seconds=self.loop.time(), who=who, what=what))

    def strikes(self, fault: Fault, who: str) -> bool:
        """Whether *fault* befalls *who* now."""
        # Asked at every step of every life, and most lives know few faults.
        if fault not in self.faults.now or not self.faults.strikes(fault):
            return False
        self.struck.add(fault)
        self.tell(who, f"! {fault}")
        return True

    def is_upstream_away(self) -> bool:
        """Whether nobody can reach upstream now."""
        return self.clock.now() < self.away_until

    @property
    def is_faultless(self) -> bool:
        """Whether nothing went wrong in this life, nor could have."""
        mishaps = {Mark.UPSTREAM_AWAY, Mark.FELL_SILENT, Mark.CRASHED}
        return not self.faults.drawn and not mishaps & self.marks.keys()

    @property
    def upstream_always_answers(self) -> bool:
        """Whether no answer of upstream's was ever lost in this life, nor can be."""
        lost = {Fault.NOT_ASKED, Fault.NOT_HEARD} & self.faults.drawn
        return not lost and not {Mark.UPSTREAM_AWAY, Mark.FELL_SILENT} & self.marks.keys()

    def tempt(self, activation_id: ActivationId) -> bool:
        """Have a message come at the worst moment, at times; tells whether one did."""
        return self.chance.random() < WORST_MOMENT and self._arrives(activation_id)

    def number_sold(self, activation_id: ActivationId) -> None:
        """Draw which messages a number that upstream just sold will receive, and when."""
        for _ in range(self.chance.choice((0, 0, 1, 1, 1, 2))):
            self.loop.call_later(self._arrival(), self._arrives, activation_id)

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

    def _arrives(self, activation_id: ActivationId) -> bool:
        code = f"{self.chance.randrange(10**6):06d}"
        received = self.upstream.deliver(code, self.clock.now(), to=activation_id)
        if received:
            self.tell("upstream", f"{activation_id} received {code}")
        return received is not None


def draw_world(
    seed: int, *, never: Collection[Fault] = (), history: list[Line] | None = None
) -> World:
    """Make the world that *seed* stands for, without the faults in *never*; see `World`."""
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
            give_up_after=timedelta(seconds=chance.choice((60, 600, 7200))),
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
