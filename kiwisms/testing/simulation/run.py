"""Run many lives, and say which of them broke a law and which marks none has reached."""

import gc
import logging
import signal
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from itertools import islice
from multiprocessing import get_all_start_methods, get_context
from random import Random
from typing import Final

from attrs import evolve, field, frozen

from kiwisms.testing.simulation.cluster import Cluster
from kiwisms.testing.simulation.facts import rentals_of
from kiwisms.testing.simulation.faults import Fault
from kiwisms.testing.simulation.life import Life
from kiwisms.testing.simulation.plan import Plan, draw_plan
from kiwisms.testing.simulation.reached import mark_what_was_reached
from kiwisms.testing.simulation.scenario import Scenario
from kiwisms.testing.simulation.world import Line, draw_world

USUAL: Final = Scenario()
ENOUGH: Final = 2000
"""Lives of a run in which every mark must be reached."""
LIVES_OF_GARBAGE: Final = 4
"""So many fit into a processor's cache."""
LOT: Final = 50
"""Lives that one process runs at a time."""


@frozen(kw_only=True)
class Choice:
    """A life: its seed, and what is left out of what the seed drew."""

    seed: int
    without_deeds: frozenset[int] = frozenset()
    without_faults: frozenset[Fault] = frozenset()
    most_servers: int = 3

    def plan(self) -> Plan:
        """What is done in this life."""
        plan = draw_plan(Random(self.seed))
        deeds = tuple(deed for deed in plan.deeds if deed.place not in self.without_deeds)
        return evolve(plan, deeds=deeds, servers=min(plan.servers, self.most_servers))


@frozen(kw_only=True)
class Outcome:
    """What became of a life; *broken* is empty when every law held."""

    choice: Choice
    broken: tuple[str, ...]
    marks: Counter[str] = field(repr=False)
    history: tuple[Line, ...] = field(repr=False)
    steps: int
    rentals: int


@frozen(kw_only=True)
class Report:
    """What became of a run of lives."""

    lives: int
    broken: tuple[Outcome, ...]
    marks: Counter[str]
    missing: tuple[str, ...]
    steps: int
    rentals: int

    @property
    def succeeded(self) -> bool:
        """Whether every law held and every mark was reached."""
        return not self.broken and not self.missing


LiveLot = Callable[[Sequence[int]], Report]
Spread = Callable[[Iterable[Sequence[int]]], Iterator[Report]]


def live(choice: Choice, scenario: Scenario = USUAL, *, told: bool = False) -> Outcome:
    """
    Run one life.

    Args:
        choice: Which one; the same choice is always the same life.
        scenario: What is put to the test.
        told: Whether a history is kept, and the laws are checked after each commit.
    """
    plan = choice.plan()
    world = draw_world(choice.seed, never=choice.without_faults, history=[] if told else None)
    with _naming(choice.seed), _quiet():
        life = Life(
            world=world,
            cluster=Cluster(world=world, join=scenario.join, size=plan.servers),
            plan=plan,
            laws=scenario.laws,
            laws_at_rest=scenario.laws_at_rest,
            strict=told,
        )
        life.live()
    mark_what_was_reached(life)
    return Outcome(
        choice=choice,
        broken=tuple(world.broken),
        marks=world.marks,
        history=tuple(world.history or ()),
        steps=world.loop.steps,
        rentals=sum(1 for _ in rentals_of(life)),
    )


def simulate(
    seeds: Iterable[int],
    scenario: Scenario = USUAL,
    *,
    most_broken: int = 1,
    enough: int = ENOUGH,
    processes: int = 1,
) -> Report:
    """
    Run a life for each seed, until *most_broken* of them have broken a law.

    Args:
        seeds: One life each.
        scenario: What is put to the test.
        most_broken: When to stop.
        enough: From this many lives on every mark must have been reached.
        processes: How many live at once; the report is the same for any number, since every life
            is drawn from its own seed. Where the system cannot fork there is only one.
    """
    marks: Counter[str] = Counter()
    broken: list[Outcome] = []
    lives = steps = rentals = 0
    with _spread(partial(_live_lot, scenario, most_broken), processes) as spread:
        for lot in spread(_lots(seeds)):
            lives, steps, rentals = lives + lot.lives, steps + lot.steps, rentals + lot.rentals
            marks.update(lot.marks)
            broken.extend(lot.broken)
            if len(broken) >= most_broken:
                break
    return Report(
        lives=lives,
        broken=tuple(broken[:most_broken]),
        marks=marks,
        missing=_missing(scenario.marks, marks) if lives >= enough else (),
        steps=steps,
        rentals=rentals,
    )


def _live_lot(scenario: Scenario, most_broken: int, seeds: Sequence[int]) -> Report:
    marks: Counter[str] = Counter()
    broken: list[Outcome] = []
    lives = steps = rentals = 0
    for seed in seeds:
        outcome = live(Choice(seed=seed), scenario)
        lives, steps, rentals = lives + 1, steps + outcome.steps, rentals + outcome.rentals
        marks.update(outcome.marks.keys())
        if outcome.broken:
            broken.append(outcome)
            if len(broken) >= most_broken:
                break
        if lives % LIVES_OF_GARBAGE == 0:
            gc.collect()
    return Report(
        lives=lives,
        broken=tuple(broken),
        marks=marks,
        missing=(),
        steps=steps,
        rentals=rentals,
    )


def _lots(seeds: Iterable[int]) -> Iterator[Sequence[int]]:
    left = iter(seeds)
    while lot := list(islice(left, LOT)):
        yield lot


def _missing(wanted: Collection[str], marks: Counter[str]) -> tuple[str, ...]:
    return tuple(sorted(mark for mark in wanted if not marks[mark]))


@contextmanager
def _spread(live_lot: LiveLot, processes: int) -> Iterator[Spread]:
    """Give what lives many lots, whose reports come in their order."""
    if processes == 1 or "fork" not in get_all_start_methods():
        with _garbage_between_lives():
            yield partial(map, live_lot)
        return
    # A scenario may be made of functions that cannot be sent to a process that is there already.
    with (
        _garbage_between_lives(),
        get_context("fork").Pool(processes, _begin, [live_lot]) as pool,
    ):
        yield partial(pool.imap, _live_here)


class _Here:
    """What a process of a pool does; a pool has no other place for it than one of all."""

    live_lot: LiveLot


def _begin(live_lot: LiveLot) -> None:
    # Ctrl-C is for the process that waits for the others.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    _Here.live_lot = staticmethod(live_lot)


def _live_here(seeds: Sequence[int]) -> Report:
    return _Here.live_lot(seeds)


@contextmanager
def _garbage_between_lives() -> Iterator[None]:
    """
    Leave it to whoever lives to look for garbage: a life is garbage as a whole when it is over.

    What was there before any life is never looked at.
    """
    was_enabled = gc.isenabled()
    gc.disable()
    gc.collect()
    gc.freeze()
    try:
        yield
    finally:
        gc.unfreeze()
        if was_enabled:
            gc.enable()


@contextmanager
def _naming(seed: int) -> Iterator[None]:
    """Add to what breaks a life off which life it is."""
    try:
        yield
    except Exception as error:
        error.add_note(f"in the life of seed {seed}")
        raise


@contextmanager
def _quiet() -> Iterator[None]:
    """Thousands of lives go wrong on purpose: nobody wants that in a log."""
    log = logging.getLogger("kiwisms")
    level = log.level
    log.setLevel(logging.CRITICAL + 1)
    try:
        yield
    finally:
        log.setLevel(level)
