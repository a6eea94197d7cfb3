"""What must hold of silent numbers: which are reported, and which are given up."""

from collections.abc import Iterator

from kiwisms.domain.incident import IncidentKind, silence_id
from kiwisms.domain.rental_state import OPEN, UNPAID, State
from kiwisms.testing.simulation.facts import given_up, incidents_of, rentals_of
from kiwisms.testing.simulation.life import Life


def only_a_silent_number_is_reported(life: Life) -> Iterator[str]:
    """A silent number is reported to the operator once, after it was silent for long enough."""
    rentals = {rental.id: rental for rental in rentals_of(life)}
    for incident in incidents_of(life):
        if incident.kind is not IncidentKind.PROVIDER_SILENT:
            continue
        rental = rentals[incident.rental_id]
        if incident.id != silence_id(rental.id) or incident.activation_id != rental.activation_id:
            yield f"{rental.id} has {rental.activation_id}, and {incident} reports its silence"
        if incident.at < rental.expires_at + life.world.terms.pace.silent_after:
            yield f"{rental.id} was called silent at {incident.at}"
        if life.world.is_faultless:
            yield f"{rental.id} was called silent for nothing: {incident.detail}"


def only_a_silent_number_is_given_up(life: Life) -> Iterator[str]:
    """A rental is given up only after its number was silent for long enough."""
    lost, pace = given_up(life), life.world.terms.pace
    for rental in rentals_of(life):
        if rental.id not in lost:
            continue
        if rental.state not in {State.EXPIRED, State.COMPLETED}:
            yield f"{rental.id} was given up, and is {rental.state}"
        if rental.changed_at < rental.expires_at + pace.silent_after:
            yield f"{rental.id} was given up at {rental.changed_at}"


def what_is_given_up_has_an_incident(life: Life) -> Iterator[str]:
    """A number that was given up unpaid has one incident; one that was paid has none."""
    lost = given_up(life)
    named = [each for each in incidents_of(life) if each.kind is IncidentKind.GIVEN_UP]
    for rental in rentals_of(life):
        numbers = [each.activation_id for each in named if each.rental_id == rental.id]
        unpaid = rental.id in lost and rental.state in UNPAID
        if numbers != ([rental.activation_id] if unpaid else []):
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
