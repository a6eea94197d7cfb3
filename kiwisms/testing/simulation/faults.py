"""The faults, and how often each happens in one life."""

from collections.abc import Collection, Mapping, Set
from enum import StrEnum
from random import Random
from types import MappingProxyType
from typing import Final, Self


class Fault(StrEnum):
    """A kind of fault; its value is the text in a history."""

    STORE_DOWN = "the store failed, and wrote nothing"
    COMMIT_IN_DOUBT = "the store committed, and reported a failure"
    CONFLICT = "another process wrote first"
    CRASH = "the process died"
    STALL = "the process stalled"
    RESPONSE_LOST = "the customer never got the answer"
    HANG_UP = "the request was cancelled"
    REFUSED = "upstream refused"
    QUESTION_LOST = "the question never reached upstream"
    ANSWER_LOST = "upstream acted, and its answer was lost"
    REPEATED = "upstream got the question twice"
    NO_PRICE = "upstream did not report its price"
    PUSH_LOST = "a pushed message never arrived"
    PUSH_LATE = "a message was pushed late"
    PUSH_REPEATED = "a message was pushed again"
    RECEIVER_FAILS = "the receiver answered 500"
    RECEIVER_UNREACHABLE = "the receiver could not be reached"
    RECEIVER_ANSWER_LOST = "the receiver took it, and its answer was lost"
    RECEIVER_GONE = "the receiver answered 410"


RARER: Final[Mapping[Fault, float]] = MappingProxyType(
    {Fault.CRASH: 0.2, Fault.STALL: 0.1, Fault.RECEIVER_GONE: 0.5}
)
"""Factors on the rates of faults that would hide all others if they were as frequent."""

HIGHEST_RATES: Final = (0.0, 0.05, 0.15, 0.4)
"""One is drawn for each life: the highest rate of a fault, a share of the moments for it."""


class Faults:
    """
    The faults of one life, which happen between `begin` and `end`.

    Args:
        rates: The rate of each fault: a share of the moments at which it can happen. A fault
            without a rate never happens.
        chance: Draws whether a fault happens.
    """

    def __init__(self, rates: Mapping[Fault, float], chance: Random) -> None:
        self._drawn = dict(rates)
        self.now: Mapping[Fault, float] = {}
        """The rate of each fault now."""
        self._draw = chance.random

    @classmethod
    def draw(cls, chance: Random, *, never: Collection[Fault] = ()) -> Self:
        """Draw the faults of a life: some lives have none, some have many kinds."""
        highest_rate = chance.choice(HIGHEST_RATES)
        rates = {
            fault: highest_rate * chance.random() * RARER.get(fault, 1.0)
            for fault in Fault
            if chance.random() < 0.5
        }
        if not highest_rate:
            rates.clear()
        return cls({fault: rate for fault, rate in rates.items() if fault not in never}, chance)

    def strikes(self, fault: Fault) -> bool:
        """Draw whether *fault* happens this time."""
        rate = self.now.get(fault)
        return rate is not None and self._draw() < rate

    @property
    def drawn(self) -> Set[Fault]:
        """The faults that can happen in this life."""
        return self._drawn.keys()

    def begin(self) -> None:
        """Let faults happen from now on."""
        self.now = self._drawn

    def end(self) -> None:
        """Stop all faults."""
        self.now = {}
