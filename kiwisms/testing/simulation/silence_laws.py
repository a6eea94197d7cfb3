"""What must hold of silent numbers: which are reported, and which are given up."""

from collections.abc import Iterator

from kiwisms.application.looks import number_of
from kiwisms.application.silence import PATIENCE_OVER
from kiwisms.domain.actors import WORKER
from kiwisms.domain.ids import RentalId
from kiwisms.domain.incident import IncidentKind, silence_id
from kiwisms.domain.rental import Rental
from kiwisms.domain.rental_state import OPEN, State
from kiwisms.domain.trail import Action, TrailEntry
from kiwisms.testing.simulation.facts import given_up, incidents_of, rentals_of
from kiwisms.testing.simulation.life import Life


def only_a_silent_number_is_reported(life: Life) -> Iterator[str]:
    """A silent number is reported to the operator once, after it was silent for long enough."""
    rentals = {rental.id: rental for rental in rentals_of(life)}
    for incident in incidents_of(life):
        if incident.kind is not IncidentKind.PROVIDER_SILENT:
            continue
        rental = rentals[incident.rental_id]
        steps = life.world.disk.records[rental.account_id].steps
        paid = steps.get((rental.id, State.RECEIVED, 1))
        if paid is not None and paid.at < incident.at:
            yield f"{rental.id} was paid at {paid.at}, and called silent at {incident.at}"
        if incident.id != silence_id(rental.id) or incident.activation_id != rental.activation_id:
            yield f"{rental.id} has {rental.activation_id}, and {incident} reports its silence"
        if incident.at < rental.expires_at + life.world.terms.pace.silent_after:
            yield f"{rental.id} was called silent at {incident.at}"
        if life.world.is_faultless:
            yield f"{rental.id} was called silent for nothing: {incident.detail}"


def only_a_silent_number_is_given_up(life: Life) -> Iterator[str]:
    """A rental is given up only unpaid, and after its silence was reported to the operator."""
    lost, reported = given_up(life), {each.id for each in incidents_of(life)}
    for rental in rentals_of(life):
        if rental.id not in lost:
            continue
        if rental.state is not State.EXPIRED:
            yield f"{rental.id} was given up, and is {rental.state}"
        if rental.changed_at < rental.expires_at + life.world.terms.pace.silent_after:
            yield f"{rental.id} was given up at {rental.changed_at}"
        if silence_id(rental.id) not in reported:
            yield f"{rental.id} was given up, and its silence was not reported"


def upstream_is_asked_before_a_rental_is_given_up(life: Life) -> Iterator[str]:
    """
    Without the operator, the worker gives a rental up only after `Pace.give_up_after` looks.

    Only those looks count for which upstream was asked. Time alone does not count.
    """
    pace = life.world.terms.pace
    for rental, entry in _given_up_by_itself(life):
        # A look that began before the silence and was answered in it counts.
        looks = life.world.looks.get(number_of(rental), ())
        asked = sum(rental.expires_at <= at <= entry.at for at in looks)
        if asked < pace.give_up_after:
            yield f"{rental.id} was given up after {asked} looks of {pace.give_up_after}"
        if entry.by != WORKER:
            yield f"{rental.id} was given up by {entry.by}"


def what_is_given_up_has_an_incident(life: Life) -> Iterator[str]:
    """A number that was given up has one incident that says so; any other has none."""
    lost = given_up(life)
    named = [each for each in incidents_of(life) if each.kind is IncidentKind.GIVEN_UP]
    for rental in rentals_of(life):
        numbers = [each.activation_id for each in named if each.rental_id == rental.id]
        if numbers != ([rental.activation_id] if rental.id in lost else []):
            yield f"{rental.id} is {rental.state}, and {numbers} were given up"


def a_silence_ends_with_its_rental(life: Life) -> Iterator[str]:
    """The incident of a silence is resolved once the rental has ended."""
    open_rentals = {rental.id for rental in rentals_of(life) if rental.state in OPEN}
    for incident in incidents_of(life):
        silent = incident.kind is IncidentKind.PROVIDER_SILENT
        if silent and incident.is_open and incident.rental_id not in open_rentals:
            yield f"{incident.id} is open although its rental has ended"


def nothing_is_given_up_while_upstream_answers(life: Life) -> Iterator[str]:
    """Where upstream always answers, no rental is given up."""
    if life.world.upstream_always_answers:
        for rental_id in sorted(given_up(life)):
            yield f"{rental_id} was given up, and upstream was never silent"


def _given_up_by_itself(life: Life) -> Iterator[tuple[Rental, TrailEntry]]:
    for records in life.world.disk.records.values():
        for entry in records.trail.values():
            is_automatic = entry.detail.startswith(PATIENCE_OVER)
            if entry.action is Action.RENTAL_GIVEN_UP and is_automatic:
                yield records.rentals[RentalId(entry.subject)], entry
