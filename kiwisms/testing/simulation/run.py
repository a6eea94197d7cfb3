"""Run many lives, and report which of them broke a law, and which marks none has reached."""

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
"""A run of this many lives must reach every mark."""
LIVES_PER_COLLECTION: Final = 4
"""How many lives fit into a processor's cache, before their garbage is collected."""
BATCH_SIZE: Final = 50
"""How many lives are handed to a process at a time."""


@frozen(kw_only=True)
class Choice:
    """A life: its seed, and what is left out of what the seed drew."""

    seed: int
    without_actions: frozenset[int] = frozenset()
    without_faults: frozenset[Fault] = frozenset()
    max_servers: int = 3

    def plan(self) -> Plan:
        """The actions of this life."""
        plan = draw_plan(Random(self.seed))
        actions = tuple(each for each in plan.actions if each.place not in self.without_actions)
        return evolve(plan, actions=actions, servers=min(plan.servers, self.max_servers))


@frozen(kw_only=True)
class Outcome:
    """The outcome of a life; *broken* is empty when every law held."""

    choice: Choice
    broken: tuple[str, ...]
    marks: Counter[str] = field(repr=False)
    history: tuple[Line, ...] = field(repr=False)
    steps: int
    rentals: int


@frozen(kw_only=True)
class Report:
    """The outcome of a run of lives."""

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


LiveBatch = Callable[[Sequence[int]], Report]
MapBatches = Callable[[Iterable[Sequence[int]]], Iterator[Report]]


def live(choice: Choice, scenario: Scenario = USUAL, *, recorded: bool = False) -> Outcome:
    """
    Run one life.

    Args:
        choice: Which life; the same choice always gives the same life.
        scenario: What is tested.
        recorded: Whether to keep a history, and to check the laws after each commit too.
    """
    plan = choice.plan()
    world = draw_world(choice.seed, never=choice.without_faults, history=[] if recorded else None)
    with _noting_seed(choice.seed), _without_logs():
        life = Life(
            world=world,
            cluster=Cluster(world=world, join=scenario.join, size=plan.servers),
            plan=plan,
            laws=scenario.laws,
            laws_at_rest=scenario.laws_at_rest,
            strict=recorded,
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
    max_broken: int = 1,
    enough: int = ENOUGH,
    processes: int = 1,
) -> Report:
    """
    Run a life for each seed, until *max_broken* of them have broken a law.

    Args:
        seeds: One for each life.
        scenario: What is tested.
        max_broken: Stop after this many broken lives.
        enough: A run of this many lives or more must reach every mark.
        processes: How many processes share the lives. The report does not depend on it, since
            every life is drawn from its own seed. Where the system cannot fork there is only one.
    """
    marks: Counter[str] = Counter()
    broken: list[Outcome] = []
    lives = steps = rentals = 0
    with _batch_mapper(partial(_live_batch, scenario, max_broken), processes) as map_batches:
        for batch in map_batches(_batches(seeds)):
            lives += batch.lives
            steps += batch.steps
            rentals += batch.rentals
            marks.update(batch.marks)
            broken.extend(batch.broken)
            if len(broken) >= max_broken:
                break
    return Report(
        lives=lives,
        broken=tuple(broken[:max_broken]),
        marks=marks,
        missing=_missing(scenario.marks, marks) if lives >= enough else (),
        steps=steps,
        rentals=rentals,
    )


def _live_batch(scenario: Scenario, max_broken: int, seeds: Sequence[int]) -> Report:
    marks: Counter[str] = Counter()
    broken: list[Outcome] = []
    lives = steps = rentals = 0
    for seed in seeds:
        outcome = live(Choice(seed=seed), scenario)
        lives += 1
        steps += outcome.steps
        rentals += outcome.rentals
        marks.update(outcome.marks.keys())
        if outcome.broken:
            broken.append(outcome)
            if len(broken) >= max_broken:
                break
        if lives % LIVES_PER_COLLECTION == 0:
            gc.collect()
    return Report(
        lives=lives,
        broken=tuple(broken),
        marks=marks,
        missing=(),
        steps=steps,
        rentals=rentals,
    )


def _batches(seeds: Iterable[int]) -> Iterator[Sequence[int]]:
    left = iter(seeds)
    while batch := list(islice(left, BATCH_SIZE)):
        yield batch


def _missing(wanted: Collection[str], marks: Counter[str]) -> tuple[str, ...]:
    return tuple(sorted(mark for mark in wanted if not marks[mark]))


@contextmanager
def _batch_mapper(live_batch: LiveBatch, processes: int) -> Iterator[MapBatches]:
    """Give a function that runs many batches, and yields their reports in order."""
    if processes == 1 or "fork" not in get_all_start_methods():
        with _garbage_between_lives():
            yield partial(map, live_batch)
        return
    # Fork, since a scenario may have functions that cannot be pickled for a running process.
    with (
        _garbage_between_lives(),
        get_context("fork").Pool(processes, _start_pool_process, [live_batch]) as pool,
    ):
        yield partial(pool.imap, _live_in_pool)


class _PoolProcess:
    """The function that a process of the pool runs; a pool offers no better place for it."""

    live_batch: LiveBatch


def _start_pool_process(live_batch: LiveBatch) -> None:
    # Only the parent handles Ctrl-C.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    _PoolProcess.live_batch = staticmethod(live_batch)


def _live_in_pool(seeds: Sequence[int]) -> Report:
    return _PoolProcess.live_batch(seeds)


@contextmanager
def _garbage_between_lives() -> Iterator[None]:
    """
    Collect garbage only between lives: a life is garbage as a whole when it is over.

    Objects from before the first life are never checked.
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
def _noting_seed(seed: int) -> Iterator[None]:
    """Add the seed of the life to an error that ends it."""
    try:
        yield
    except Exception as error:
        error.add_note(f"in the life of seed {seed}")
        raise


@contextmanager
def _without_logs() -> Iterator[None]:
    """Log nothing: thousands of lives fail on purpose."""
    log = logging.getLogger("kiwisms")
    level = log.level
    log.setLevel(logging.CRITICAL + 1)
    try:
        yield
    finally:
        log.setLevel(level)
