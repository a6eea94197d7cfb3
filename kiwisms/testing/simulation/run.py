"""Run many lives, and say which of them broke a law and which marks none has reached."""

import gc
import logging
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import contextmanager
from random import Random
from typing import Final

from attrs import evolve, field, frozen

from kiwisms.testing.simulation.cluster import Cluster
from kiwisms.testing.simulation.faults import Fault
from kiwisms.testing.simulation.life import Life
from kiwisms.testing.simulation.plan import Plan, draw_plan
from kiwisms.testing.simulation.reached import mark_what_was_reached
from kiwisms.testing.simulation.scenario import Scenario
from kiwisms.testing.simulation.world import Line, draw_world

USUAL: Final = Scenario()
ENOUGH: Final = 2000
"""Lives of a run in which every mark must be reached."""


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


@frozen(kw_only=True)
class Report:
    """What became of a run of lives."""

    lives: int
    broken: tuple[Outcome, ...]
    marks: Counter[str]
    missing: tuple[str, ...]
    steps: int

    @property
    def succeeded(self) -> bool:
        """Whether every law held and every mark was reached."""
        return not self.broken and not self.missing


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
    with _quiet():
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
    )


def simulate(
    seeds: Iterable[int], scenario: Scenario = USUAL, *, most_broken: int = 1, enough: int = ENOUGH
) -> Report:
    """
    Run a life for each seed, until *most_broken* of them have broken a law.

    Args:
        seeds: One life each.
        scenario: What is put to the test.
        most_broken: When to stop.
        enough: From this many lives on every mark must have been reached.
    """
    marks: Counter[str] = Counter()
    broken: list[Outcome] = []
    lives = steps = 0
    with _garbage_by_the_hundred() as collect:
        for seed in seeds:
            outcome = live(Choice(seed=seed), scenario)
            lives, steps = lives + 1, steps + outcome.steps
            marks.update(outcome.marks.keys())
            if outcome.broken:
                broken.append(outcome)
                if len(broken) >= most_broken:
                    break
            if lives % 100 == 0:
                collect()
    return Report(
        lives=lives,
        broken=tuple(broken),
        marks=marks,
        missing=_missing(scenario.marks, marks) if lives >= enough else (),
        steps=steps,
    )


def _missing(wanted: Collection[str], marks: Counter[str]) -> tuple[str, ...]:
    return tuple(sorted(mark for mark in wanted if not marks[mark]))


@contextmanager
def _garbage_by_the_hundred() -> Iterator[Callable[[], object]]:
    """A life is garbage as a whole when it is over; to look for some before costs a quarter."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield gc.collect
    finally:
        if was_enabled:
            gc.enable()


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
