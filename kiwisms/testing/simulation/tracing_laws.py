"""What must hold of incidents: what can be found out is found, and no number is guessed."""

from collections.abc import Iterator
from datetime import datetime, timedelta

from kiwisms.adapters.simulator.activation import Activation, ActivationState
from kiwisms.application.tracing import PACE, PUSHED_WITHIN
from kiwisms.domain.ids import ActivationId
from kiwisms.domain.incident import UNTRACED, Incident, IncidentKind
from kiwisms.testing.simulation.facts import incidents_of, rentals_of
from kiwisms.testing.simulation.faults import Fault
from kiwisms.testing.simulation.life import Life
from kiwisms.testing.simulation.marks import Mark
from kiwisms.testing.simulation.operator import BY_HAND


def a_caller_that_leaves_is_no_incident(life: Life) -> Iterator[str]:
    """A request is given up only after a process died or stalled, or a store failed."""
    causes = {Fault.CRASH, Fault.STALL, Fault.STORE_DOWN, Fault.COMMIT_IN_DOUBT, Fault.CONFLICT}
    if causes & life.world.struck or life.world.marks[Mark.CRASHED]:
        return
    for incident in incidents_of(life):
        if incident.kind is IncidentKind.NOBODY_CAME_BACK:
            yield f"{incident.rental_id} was given up although its process was alive"


def a_number_is_never_guessed(life: Life) -> Iterator[str]:
    """The number of a failed request belongs to no rental, and to no other request."""
    owners = {rental.activation_id: rental for rental in rentals_of(life)}
    named: dict[ActivationId, Incident] = {}
    for incident in lost_request_incidents(life):
        number = incident.activation_id
        if number is None:
            continue
        if number in owners:
            yield f"{incident.id} has the number {number}, which is that of {owners[number].id}"
        other = named.setdefault(number, incident)
        if other.rental_id != incident.rental_id and not _closed_by_hand(life):
            yield f"{incident.id} and {other.id} have the number {number}"


def what_the_operator_said_is_kept(life: Life) -> Iterator[str]:
    """An incident that an operator has resolved keeps the operator's note."""
    known = {incident.id: incident for incident in incidents_of(life)}
    for incident_id, note in life.resolved.items():
        if known[incident_id].resolution != note:
            yield f"{incident_id} was resolved with {note}, and says {known[incident_id]}"


def a_number_rented_by_hand_is_left_alone(life: Life) -> Iterator[str]:
    """Only a number that an incident names is cancelled."""
    named = {incident.activation_id for incident in incidents_of(life)}
    for number in sorted((life.world.by_hand & life.world.handed_back) - named):
        yield f"{number} was rented by hand, and cancelled"


def an_open_incident_gets_the_balance(life: Life) -> Iterator[str]:
    """Once nothing fails, each open incident that is traced gets upstream's balance."""
    for incident in incidents_of(life):
        if _traced_at(life, incident) < _traced_until(life, incident) and _lacks_balance(incident):
            yield f"{incident.id} never got upstream's balance"


def a_number_that_is_known_is_taken_back(life: Life) -> Iterator[str]:
    """Once nothing fails, the number of a failed request is cancelled, or had a code."""
    for incident in lost_request_incidents(life):
        number = incident.activation_id
        if number is None or not incident.is_open or _is_forged(life, number):
            continue
        if _traced_at(life, incident) < _traced_until(life, incident):
            state = life.world.upstream.activations[number].state
            if state is ActivationState.DONE:
                continue
            yield f"{incident.id} is open, and its number {number} is {state}"


def what_can_be_named_is_named(life: Life) -> Iterator[str]:
    """
    If one request was lost and one number has no rental, its incident names that number.

    The law demands this only if the number could be found once nothing failed: in upstream's list,
    or from a message that was pushed not too long before.
    """
    if life.world.marks[Mark.WITHDRAWN] or _closed_by_hand(life):
        return
    owned = {rental.activation_id for rental in rentals_of(life)}
    for service in {each.service for each in life.world.upstream.activations.values()}:
        numbers = [
            each
            for each in life.world.upstream.activations.values()
            if each.service == service and each.id not in owned
        ]
        lost = [each for each in lost_request_incidents(life) if _service_of(life, each) == service]
        forged = any(each.service == service for each in life.pusher.forged)
        if len(numbers) == len(lost) == 1 and not forged:
            [number], [incident] = numbers, lost
            if incident.activation_id != number.id and _could_be_found(life, incident, number):
                yield f"{incident.id} could have found out that its number is {number.id}"


def lost_request_incidents(life: Life) -> list[Incident]:
    """The incidents of requests that never got a number."""
    numberless = {rental.id for rental in rentals_of(life) if rental.activation_id is None}
    return [each for each in incidents_of(life) if each.rental_id in numberless]


def _lacks_balance(incident: Incident) -> bool:
    return incident.is_open and incident.after is None and incident.kind not in UNTRACED


def _closed_by_hand(life: Life) -> bool:
    return any((each.resolution or "").startswith(BY_HAND) for each in incidents_of(life))


def _service_of(life: Life, incident: Incident) -> str:
    return life.world.disk.records[incident.account_id].rentals[incident.rental_id].service


def _is_forged(life: Life, number: ActivationId) -> bool:
    return any(each.activation_id == number for each in life.pusher.forged)


def _traced_at(life: Life, incident: Incident, since: datetime | None = None) -> datetime:
    """The moment by which a trace has found everything that could be found since *since*."""
    calm = max(life.calm_since, life.world.away_until, since or life.calm_since)
    return max(calm, incident.at) + PACE + life.world.terms.lease + timedelta(seconds=10)


def _traced_until(life: Life, incident: Incident) -> datetime:
    return incident.at + life.world.terms.pace.session + PUSHED_WITHIN


def _could_be_found(life: Life, incident: Incident, number: Activation) -> bool:
    last, world = _traced_until(life, incident), life.world
    if number.id in world.by_hand:
        return False
    if number.state is ActivationState.CANCELLED and number.id in world.handed_back:
        return False  # the process that rented it could not save it, and handed it back at once
    if world.upstream.lists_active:
        traced = _traced_at(life, incident)
        if traced < min(last, number.ends_at):
            return True
    # A push that is kept may never have been acknowledged: so its arrival counts.
    for kept in world.disk.kept_pushes.values():
        if kept.activation_id == number.id:
            traced = _traced_at(life, incident, kept.arrived_at)
            if traced < min(last, kept.arrived_at + 2 * world.terms.pace.session):
                return True
    return False
