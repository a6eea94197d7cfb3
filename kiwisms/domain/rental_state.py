"""The states of a rental: a state machine written as a table."""

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import Final


class State(StrEnum):
    """The state of a rental. NEW is the one before the request; it is never stored."""

    NEW = "NEW"
    REQUESTED = "REQUESTED"
    WAITING = "WAITING"
    RECEIVED = "RECEIVED"
    COMPLETED = "COMPLETED"
    CANCELLED = "CANCELLED"
    EXPIRED = "EXPIRED"
    FAILED = "FAILED"


class Event(StrEnum):
    """What can happen to a rental."""

    REQUEST = "REQUEST"
    RENT = "RENT"
    FAIL = "FAIL"
    RECEIVE = "RECEIVE"
    COMPLETE = "COMPLETE"
    CANCEL = "CANCEL"
    RUN_OUT = "RUN_OUT"
    GIVE_UP = "GIVE_UP"


TRANSITIONS: Final[Mapping[tuple[State, Event], State]] = MappingProxyType(
    {
        (State.NEW, Event.REQUEST): State.REQUESTED,
        (State.REQUESTED, Event.RENT): State.WAITING,
        (State.REQUESTED, Event.FAIL): State.FAILED,
        (State.WAITING, Event.RECEIVE): State.RECEIVED,
        (State.WAITING, Event.COMPLETE): State.COMPLETED,
        (State.WAITING, Event.CANCEL): State.CANCELLED,
        (State.WAITING, Event.RUN_OUT): State.EXPIRED,
        (State.WAITING, Event.GIVE_UP): State.EXPIRED,
        (State.RECEIVED, Event.RECEIVE): State.RECEIVED,
        (State.RECEIVED, Event.COMPLETE): State.COMPLETED,
        (State.RECEIVED, Event.RUN_OUT): State.COMPLETED,
    }
)

FINAL: Final = frozenset(State) - {state for state, _ in TRANSITIONS}
"""States that no event leaves."""
OPEN: Final = frozenset({State.WAITING, State.RECEIVED})
"""States of a number that the customer has."""
UNDECIDED: Final = frozenset({State.REQUESTED, State.WAITING})
"""States in which the price is held, and upstream may hold a slot for the number."""
SHOWN: Final = frozenset(State) - {State.NEW, State.REQUESTED, State.FAILED}
"""States of rentals that the customer can see."""
UNPAID: Final = frozenset({State.CANCELLED, State.EXPIRED})
"""States of a number that ended without a charge."""
RENEWABLE: Final = frozenset({State.RECEIVED, State.COMPLETED})
"""States after which upstream may rent out the same number again."""
