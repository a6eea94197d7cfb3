"""The marks that can only be set at the end of a life."""

from collections.abc import Mapping
from typing import Final

from kiwisms.application.silence import PATIENCE_OVER
from kiwisms.domain.delivery import DeliveryStatus
from kiwisms.domain.incident import Incident, IncidentKind
from kiwisms.domain.rental_state import State
from kiwisms.domain.trail import Action
from kiwisms.testing.simulation.facts import given_up, incidents_of, ran_out_unanswered, rentals_of
from kiwisms.testing.simulation.life import Life
from kiwisms.testing.simulation.marks import Mark
from kiwisms.testing.simulation.tracing_laws import lost_request_incidents

OF_INCIDENTS: Final[Mapping[str, Mark]] = {
    IncidentKind.NOBODY_CAME_BACK: Mark.RESCUED,
    IncidentKind.ANSWER_TOO_LATE: Mark.TOO_LATE,
}


def mark_what_was_reached(life: Life) -> None:
    """Set the marks that the final state of a life shows."""
    for incident in incidents_of(life):
        if incident.kind in OF_INCIDENTS:
            life.world.reach(OF_INCIDENTS[incident.kind])
    searched = lost_request_incidents(life)
    others = [incident for incident in incidents_of(life) if incident not in searched]
    if any(incident.kind is IncidentKind.ANSWER_LOST for incident in others):
        life.world.reach(Mark.UNSEEN_END)
    _mark_silence(life)
    for incident in searched:
        _mark_traced(life, incident)
    _mark_rentals(life)
    _mark_pushes(life)
    _mark_deliveries(life)


def _mark_traced(life: Life, incident: Incident) -> None:
    number, world = incident.activation_id, life.world
    if incident.kind is IncidentKind.NOBODY_CAME_BACK:
        pushed = any(each.activation_id == number for each in world.disk.kept_pushes.values())
        if number is None:
            world.reach(Mark.UNNAMED)
        elif not pushed:
            world.reach(Mark.NAMED_BY_LIST)
        elif not world.upstream.lists_active:
            world.reach(Mark.NAMED_BY_PUSH)
    if "was cancelled upstream" in (incident.resolution or ""):
        world.reach(Mark.TAKEN_BACK)
    if "had a message" in (incident.resolution or ""):
        world.reach(Mark.CHARGED_FOR)


def _mark_silence(life: Life) -> None:
    world, lost = life.world, given_up(life)
    reported = {each.rental_id for each in incidents_of(life) if not each.may_cost}
    if reported:
        world.reach(Mark.SILENCE_REPORTED)
    if reported - lost:
        world.reach(Mark.SPOKE_AGAIN)
    for rental in rentals_of(life):
        if rental.state is State.COMPLETED and ran_out_unanswered(life, rental):
            world.reach(Mark.PAID_RAN_OUT)
    for records in world.disk.records.values():
        for entry in records.trail.values():
            if entry.action is Action.RENTAL_GIVEN_UP:
                is_over = entry.detail.startswith(PATIENCE_OVER)
                world.reach(Mark.PATIENCE_OVER if is_over else Mark.GIVEN_UP_BY_HAND)


def _mark_rentals(life: Life) -> None:
    for rental in rentals_of(life):
        if rental.state is State.EXPIRED:
            life.world.reach(Mark.EXPIRED)
        if len(rental.messages) > 1:
            life.world.reach(Mark.SECOND_CODE)
        if rental.messages and rental.messages[-1].at >= rental.expires_at:
            life.world.reach(Mark.LAST_LOOK)


def _mark_pushes(life: Life) -> None:
    world, taken = life.world, life.pusher.taken.values()
    for rental in rentals_of(life):
        if rental.activation_id in life.pusher.early:
            world.reach(Mark.PUSHED_EARLY)
        for message in rental.messages:
            if (rental.activation_id, message.code) not in world.shown:
                world.reach(Mark.PUSH_KNEW_MORE)
        # Upstream numbers its messages in the order of arrival.
        numbers = [int(each.id) for each in taken if each.activation_id == rental.activation_id]
        if numbers != sorted(numbers):
            world.reach(Mark.PUSHED_OUT_OF_ORDER)
    if any(not world.disk.has_number(each.activation_id) for each in taken):
        world.reach(Mark.PUSHED_FOR_NOBODY)


def _mark_deliveries(life: Life) -> None:
    for records in life.world.disk.records.values():
        for delivery in records.deliveries.values():
            if delivery.status is DeliveryStatus.DELIVERED:
                life.world.reach(Mark.DELIVERED)
            elif delivery.status is DeliveryStatus.GIVEN_UP and not delivery.tries_left:
                life.world.reach(Mark.GIVEN_UP)
