"""Find the shortest life that still breaks a law, by leaving out deeds, faults and servers."""

from collections.abc import Iterator
from typing import Final, TypeVar

from attrs import evolve

from kiwisms.testing.simulation.describe import kind_of
from kiwisms.testing.simulation.faults import Fault
from kiwisms.testing.simulation.run import USUAL, Choice, Outcome, live
from kiwisms.testing.simulation.scenario import Scenario

T = TypeVar("T")

MOST_TRIES: Final = 500


def shrink(broken: Choice, scenario: Scenario = USUAL, *, most: int = MOST_TRIES) -> Outcome:
    """
    Leave out of a life whatever is not needed to break the law that it breaks first.

    Args:
        broken: A life that breaks one.
        scenario: What is put to the test.
        most: How many lives may be tried.

    Returns:
        What became of the shortest life found, with its history.
    """
    tries, law = 0, kind_of(live(broken, scenario).broken[0])
    shorter = True
    while shorter:
        shorter = False
        for choice in _shorter(broken):
            tries += 1
            if tries > most:
                return live(broken, scenario, told=True)
            if law in map(kind_of, live(choice, scenario).broken):
                broken, shorter = choice, True
                break
    return live(broken, scenario, told=True)


def _shorter(choice: Choice) -> Iterator[Choice]:
    """What could be left out next, the largest pieces first."""
    kinds = [fault for fault in Fault if fault not in choice.without_faults]
    deeds = [deed.place for deed in choice.plan().deeds]
    if choice.most_servers > 1:
        yield evolve(choice, most_servers=choice.most_servers - 1)
    for some in _pieces(kinds):
        yield evolve(choice, without_faults=choice.without_faults | frozenset(some))
    for places in _pieces(deeds):
        yield evolve(choice, without_deeds=choice.without_deeds | frozenset(places))


def _pieces(whole: list[T]) -> Iterator[list[T]]:
    size = len(whole)
    while size:
        yield from (whole[place : place + size] for place in range(0, len(whole), size))
        size //= 2
