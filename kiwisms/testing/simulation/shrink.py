"""Find the shortest life that still breaks a law, by leaving out actions, faults and servers."""

from collections.abc import Iterator
from typing import Final, TypeVar

from attrs import evolve

from kiwisms.testing.simulation.describe import kind_of
from kiwisms.testing.simulation.faults import Fault
from kiwisms.testing.simulation.run import USUAL, Choice, Outcome, live
from kiwisms.testing.simulation.scenario import Scenario

T = TypeVar("T")

MAX_TRIES: Final = 500


def shrink(broken: Choice, scenario: Scenario = USUAL, *, max_tries: int = MAX_TRIES) -> Outcome:
    """
    Leave out everything that a life does not need to break the law that it breaks first.

    Args:
        broken: A life that breaks a law.
        scenario: What is tested.
        max_tries: How many lives may be run at most.

    Returns:
        The outcome of the shortest life that was found, with its history.
    """
    tries, law = 0, kind_of(live(broken, scenario).broken[0])
    shorter = True
    while shorter:
        shorter = False
        for choice in _shorter(broken):
            tries += 1
            if tries > max_tries:
                return live(broken, scenario, recorded=True)
            if law in map(kind_of, live(choice, scenario).broken):
                broken, shorter = choice, True
                break
    return live(broken, scenario, recorded=True)


def _shorter(choice: Choice) -> Iterator[Choice]:
    """Yield shorter lives, those with the largest piece left out first."""
    kinds = [fault for fault in Fault if fault not in choice.without_faults]
    actions = [action.place for action in choice.plan().actions]
    if choice.max_servers > 1:
        yield evolve(choice, max_servers=choice.max_servers - 1)
    for some in _pieces(kinds):
        yield evolve(choice, without_faults=choice.without_faults | frozenset(some))
    for places in _pieces(actions):
        yield evolve(choice, without_actions=choice.without_actions | frozenset(places))


def _pieces(whole: list[T]) -> Iterator[list[T]]:
    size = len(whole)
    while size:
        yield from (whole[place : place + size] for place in range(0, len(whole), size))
        size //= 2
