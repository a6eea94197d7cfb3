"""The marks that only the end of a life shows."""

from typing import Final

from kiwisms.domain.delivery import DeliveryStatus
from kiwisms.domain.incident import IncidentKind
from kiwisms.domain.rental import State
from kiwisms.testing.simulation.laws import incidents_of, rentals_of
from kiwisms.testing.simulation.life import Life
from kiwisms.testing.simulation.marks import Mark

OF_INCIDENTS: Final = {
    IncidentKind.NOBODY_CAME_BACK: Mark.RESCUED,
    IncidentKind.ANSWER_TOO_LATE: Mark.TOO_LATE,
}


def mark_what_was_reached(life: Life) -> None:
    """Look at what is left of a life, and set the marks that it has reached."""
    for incident in incidents_of(life):
        if incident.kind in OF_INCIDENTS:
            life.world.reach(OF_INCIDENTS[incident.kind])
        elif incident.activation_id is not None:
            life.world.reach(Mark.UNSEEN_END)
    _mark_rentals(life)
    _mark_deliveries(life)


def _mark_rentals(life: Life) -> None:
    for rental in rentals_of(life):
        if rental.state is State.EXPIRED:
            life.world.reach(Mark.EXPIRED)
        if len(rental.messages) > 1:
            life.world.reach(Mark.SECOND_CODE)
        if rental.messages and rental.messages[-1].at >= rental.expires_at:
            life.world.reach(Mark.LAST_LOOK)


def _mark_deliveries(life: Life) -> None:
    for records in life.world.disk.records.values():
        for delivery in records.deliveries.values():
            if delivery.status is DeliveryStatus.DELIVERED:
                life.world.reach(Mark.DELIVERED)
            elif delivery.status is DeliveryStatus.GIVEN_UP and not delivery.tries_left:
                life.world.reach(Mark.GIVEN_UP)
