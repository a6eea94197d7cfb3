"""What must hold of upstream: each number is accounted for, and each code is shown."""

from collections import Counter
from collections.abc import Iterator

from kiwisms.adapters.simulator.activation import ActivationState
from kiwisms.domain.rental_state import FINAL, UNPAID, State
from kiwisms.testing.simulation.facts import (
    given_up,
    incidents_of,
    must_be_seen_until,
    ran_out_unanswered,
    rentals_of,
)
from kiwisms.testing.simulation.life import Life
from kiwisms.testing.simulation.marks import Mark


def upstream_is_asked_once(life: Life) -> Iterator[str]:
    """Upstream was never asked for more numbers than were requested."""
    requests = sum(1 for _ in rentals_of(life))
    if life.world.number_requests > requests:
        yield f"upstream was asked for {life.world.number_requests} numbers for {requests} requests"


def a_number_is_rented_once(life: Life) -> Iterator[str]:
    """No two rentals are of one activation."""
    owners = Counter(rental.activation_id for rental in rentals_of(life) if rental.activation_id)
    for activation_id, count in owners.items():
        if count > 1:
            yield f"{count} rentals have the number {activation_id}"


def every_number_sold_is_accounted_for(life: Life) -> Iterator[str]:
    """A number without a rental was handed back, or is explained by a failed request's incident."""
    rentals, world = list(rentals_of(life)), life.world
    known = {rental.activation_id for rental in rentals}
    back = {
        each.id
        for each in world.upstream.activations.values()
        if each.state is ActivationState.CANCELLED and each.id in world.handed_back
    }
    lost = world.upstream.activations.keys() - known - back - world.by_hand
    failed = {rental.id for rental in rentals if rental.state is State.FAILED}
    explained = failed & {incident.rental_id for incident in incidents_of(life)}
    if len(lost) > len(explained):
        yield f"{len(lost)} numbers have no rental, and incidents explain {len(explained)}"


def what_is_paid_was_charged_upstream(life: Life) -> Iterator[str]:
    """
    Upstream charged for the rentals that customers paid for, and for no others.

    Where this cannot be known, an incident says so.
    """
    upstream = life.world.upstream.activations
    with_incident = {incident.rental_id for incident in incidents_of(life) if incident.may_cost}
    for rental in rentals_of(life):
        if rental.activation_id is None or rental.state not in FINAL:
            continue
        refunded = upstream[rental.activation_id].state is ActivationState.CANCELLED
        if rental.state in UNPAID and not refunded and rental.id not in with_incident:
            yield f"{rental.id} is {rental.state}, and upstream charged {rental.activation_id}"
        if rental.state is State.COMPLETED and refunded:
            yield f"{rental.id} is paid, and upstream did not charge {rental.activation_id}"


def what_cannot_be_kept_is_handed_back(life: Life) -> Iterator[str]:
    """A number that a process received, and could not save, was cancelled upstream."""
    if life.world.marks[Mark.CRASHED]:
        return
    kept = {rental.activation_id for rental in rentals_of(life)}
    for activation_id in sorted(life.world.numbers_received - kept - life.world.handed_back):
        yield f"{activation_id} has no rental, and was not handed back"


def nothing_fails_without_a_fault(life: Life) -> Iterator[str]:
    """Where nothing went wrong, no request for a number makes an incident."""
    if life.world.is_faultless:
        for incident in incidents_of(life):
            if incident.activation_id is None:
                yield f"{incident.rental_id} failed without a fault: {incident.kind}"


def a_code_is_shown(life: Life) -> Iterator[str]:
    """
    A message that upstream had before a rental ended is in the rental.

    The law demands only what a look can show. Upstream shows its latest message alone; if further
    messages must be asked for, the law demands only the first. A customer who completes a paid
    rental does not wait for an upstream that does not answer, so no message from then is demanded.
    None is demanded of a number that was given up, and none but the first of one that was silent
    when it ended, since no look was answered.
    """
    lost = given_up(life)
    for rental in rentals_of(life):
        if rental.activation_id is None or rental.state not in FINAL or rental.id in lost:
            continue
        if ran_out_unanswered(life, rental):
            continue
        messages = life.world.upstream.activations[rental.activation_id].messages
        if life.world.upstream.asks_for_next:
            messages = messages[:1]
        end = must_be_seen_until(life, rental, several=len(messages) > 1)
        if messages and messages[-1].at <= end:
            if messages[-1].code not in {message.code for message in rental.messages}:
                yield f"{rental.id} is {rental.state} without the code {messages[-1].code}"
        elif messages and messages[0].at <= end and not rental.messages:
            yield f"{rental.id} is {rental.state} without any code"
