"""What happened to a rental: a step each time that it comes into a state or has a message more."""

from collections.abc import Iterable
from datetime import datetime
from typing import Final

from attrs import frozen

from kiwisms.domain.ids import AccountId, RentalId
from kiwisms.domain.rental import Rental, State


@frozen(kw_only=True)
class Step:
    """
    One line of a rental's history: it came into *state* with so many *messages*.

    A rental comes into each such place once. *by* is who brought it there: an API key's prefix,
    ``app`` for the program that embeds kiwisms, or ``worker`` for work that came due. What a poll
    finds is the worker's too, since all who poll at once share one look.
    """

    rental_id: RentalId
    account_id: AccountId
    state: State
    messages: int
    by: str
    at: datetime


def step(before: Rental | None, after: Rental, by: str) -> Step | None:
    """Say what happened between two versions of a rental; ``None`` when nothing did."""
    if before is not None and _place(before) == _place(after):
        return None
    return Step(
        rental_id=after.id,
        account_id=after.account_id,
        state=after.state,
        messages=len(after.messages),
        by=by,
        at=after.changed_at,
    )


_PLACES: Final = {state: place for place, state in enumerate(State)}


def in_order(steps: Iterable[Step]) -> list[Step]:
    """Sort a history: states are declared in the order in which a rental can come to them."""
    return sorted(steps, key=lambda each: (_PLACES[each.state], each.messages))


def _place(rental: Rental) -> tuple[State, int]:
    return rental.state, len(rental.messages)
