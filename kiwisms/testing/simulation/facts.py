"""What the laws check: the rentals and incidents of a life, and which messages they demand."""

from collections.abc import Iterator, Set
from datetime import datetime

from kiwisms.domain.ids import RentalId
from kiwisms.domain.incident import Incident
from kiwisms.domain.rental import Rental
from kiwisms.domain.trail import Action
from kiwisms.testing.simulation.life import Life


def rentals_of(life: Life) -> Iterator[Rental]:
    """Every rental of every account."""
    for records in life.world.disk.records.values():
        yield from records.rentals.values()


def incidents_of(life: Life) -> Iterator[Incident]:
    """Every incident of every account."""
    for records in life.world.disk.records.values():
        yield from records.incidents.values()


def given_up(life: Life) -> Set[RentalId]:
    """The rentals that were given up, because upstream did not answer about their numbers."""
    return {
        RentalId(entry.subject)
        for records in life.world.disk.records.values()
        for entry in records.trail.values()
        if entry.action is Action.RENTAL_GIVEN_UP
    }


def ran_out_unanswered(life: Life, rental: Rental) -> bool:
    """Whether a paid rental may have ended because upstream did not answer about its number."""
    silent = rental.changed_at >= rental.expires_at + life.world.terms.pace.silent_after
    return silent and bool(rental.messages) and not life.world.upstream_always_answers


def must_be_seen_until(life: Life, rental: Rental, *, several: bool) -> datetime:
    """
    The moment up to which every message must be in the rental.

    A customer who completes a paid rental does not wait for an upstream that does not answer.
    """
    end = min(rental.expires_at, rental.changed_at)
    dones = [each.dones[rental.id] for each in life.customers if rental.id in each.dones]
    if several and dones and not life.world.upstream_always_answers:
        return rental.created_at
    if several or not life.world.upstream_always_answers:
        return min([end, *dones])
    return end
