"""What can go wrong, and how often it does in one life."""

from collections.abc import Collection, Mapping, Set
from enum import StrEnum
from random import Random
from types import MappingProxyType
from typing import Final, Self


class Fault(StrEnum):
    """One way of going wrong; the value is how a history tells of it."""

    STORE_DOWN = "the store refused, and wrote nothing"
    COMMIT_IN_DOUBT = "the store wrote it, and said that it failed"
    CONFLICT = "another process wrote first"
    CRASH = "the process died"
    STALL = "the process stood still"
    LINE_CUT = "the customer never heard the answer"
    HANG_UP = "the request was cancelled"
    REFUSED = "upstream refused"
    NOT_ASKED = "the question never reached upstream"
    NOT_HEARD = "upstream acted, and its answer was lost"
    REPEATED = "upstream heard the question twice"
    NO_PRICE = "upstream did not say what it charged"
    PUSH_LOST = "a pushed message never arrived"
    PUSH_LATE = "a message was pushed late"
    PUSH_REPEATED = "a message was pushed again"
    RECEIVER_FAILS = "the receiver answered 500"
    RECEIVER_DEAF = "the receiver could not be reached"
    RECEIVER_MUTE = "the receiver took it, and its answer was lost"
    RECEIVER_GONE = "the receiver answered 410"


SELDOM: Final[Mapping[Fault, float]] = MappingProxyType(
    {Fault.CRASH: 0.2, Fault.STALL: 0.1, Fault.RECEIVER_GONE: 0.5}
)
"""Faults that would hide all others if they were as frequent."""

HEAVINESS: Final = (0.0, 0.05, 0.15, 0.4)
"""How often the most frequent fault of a life strikes, of all times it could."""


class Faults:
    """
    The bad luck of one life, from `begin` to `end`.

    Args:
        rates: How often each fault strikes, of all times it could; one that is not here never does.
        chance: Decides each time.
    """

    def __init__(self, rates: Mapping[Fault, float], chance: Random) -> None:
        self._drawn = dict(rates)
        self.now: Mapping[Fault, float] = {}
        """How often each fault strikes now."""
        self._draw = chance.random

    @classmethod
    def draw(cls, chance: Random, *, never: Collection[Fault] = ()) -> Self:
        """Draw how bad a life is: some have no fault at all, some have many kinds of them."""
        heaviness = chance.choice(HEAVINESS)
        rates = {
            fault: heaviness * chance.random() * SELDOM.get(fault, 1.0)
            for fault in Fault
            if chance.random() < 0.5
        }
        if not heaviness:
            rates.clear()
        return cls({fault: rate for fault, rate in rates.items() if fault not in never}, chance)

    def strikes(self, fault: Fault) -> bool:
        """Whether *fault* befalls this time."""
        rate = self.now.get(fault)
        return rate is not None and self._draw() < rate

    @property
    def drawn(self) -> Set[Fault]:
        """The faults that can strike in this life."""
        return self._drawn.keys()

    def begin(self) -> None:
        """From now on things go wrong."""
        self.now = self._drawn

    def end(self) -> None:
        """From now on nothing goes wrong any more."""
        self.now = {}
