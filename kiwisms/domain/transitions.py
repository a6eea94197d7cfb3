"""State machines as tables: what is not in a table cannot happen."""

from collections.abc import Mapping
from enum import StrEnum
from typing import TypeVar

from kiwisms.domain.errors import KiwismsError

State = TypeVar("State", bound=StrEnum)
Event = TypeVar("Event", bound=StrEnum)


class TransitionRefused(KiwismsError):
    """The table has no row for this event in this state."""

    code = "TRANSITION_REFUSED"

    def __init__(self, state: StrEnum, event: StrEnum) -> None:
        super().__init__(f"{type(state).__name__} {state} allows no {event}")
        self.state, self.event = state, event


def next_state(table: Mapping[tuple[State, Event], State], state: State, event: Event) -> State:
    """
    Look up the state that *event* leads to.

    Raises:
        TransitionRefused: It cannot happen in *state*.
    """
    try:
        return table[state, event]
    except KeyError:
        raise TransitionRefused(state, event) from None
