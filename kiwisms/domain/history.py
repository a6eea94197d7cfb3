"""A rental's history: one step for each state that it enters and each message that it gets."""

from collections.abc import Iterable
from datetime import datetime
from typing import Final

from attrs import frozen

from kiwisms.domain.ids import AccountId, RentalId
from kiwisms.domain.rental import Rental
from kiwisms.domain.rental_state import State


@frozen(kw_only=True)
class Step:
    """
    One step of a rental's history: it has entered *state*, or received a message in it.

    *messages* is how many it has then; each pair of state and messages occurs once. *by* is the
    actor: an API key's prefix, ``app`` for the program that embeds kiwisms, or ``worker`` for
    background work. What a poll finds is the worker's too: callers that poll at once share a look.
    """

    rental_id: RentalId
    account_id: AccountId
    state: State
    messages: int
    by: str
    at: datetime


def step(before: Rental | None, after: Rental, by: str) -> Step | None:
    """Make the step between two versions of a rental; ``None`` when nothing happened."""
    if before is not None and _position(before) == _position(after):
        return None
    return Step(
        rental_id=after.id,
        account_id=after.account_id,
        state=after.state,
        messages=len(after.messages),
        by=by,
        at=after.changed_at,
    )


_ORDER: Final = {state: number for number, state in enumerate(State)}


def in_order(steps: Iterable[Step]) -> list[Step]:
    """Sort a history; states are declared in the order in which a rental can enter them."""
    return sorted(steps, key=lambda each: (_ORDER[each.state], each.messages))


def _position(rental: Rental) -> tuple[State, int]:
    return rental.state, len(rental.messages)
