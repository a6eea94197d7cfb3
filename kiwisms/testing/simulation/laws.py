"""What must hold in every life, whatever goes wrong."""

from collections.abc import Iterator
from typing import Final

from kiwisms.domain.audit import audit
from kiwisms.domain.delivery import DeliveryStatus
from kiwisms.domain.idempotency import KeyState
from kiwisms.domain.rental_state import FINAL
from kiwisms.testing.simulation.customer_laws import (
    a_key_makes_one_rental,
    balances_were_true,
    payments_are_applied_once,
    what_was_acknowledged_stays,
)
from kiwisms.testing.simulation.life import Law, Life
from kiwisms.testing.simulation.push_laws import (
    a_message_is_received_once,
    a_push_alone_charges_nobody,
    a_push_is_a_hint_once,
    a_pushed_code_is_shown_and_paid,
    what_was_pushed_is_kept,
)
from kiwisms.testing.simulation.silence_laws import (
    a_silence_ends_with_its_rental,
    nothing_is_given_up_while_upstream_answers,
    only_a_silent_number_is_given_up,
    only_a_silent_number_is_reported,
    upstream_is_asked_before_a_rental_is_given_up,
    what_is_given_up_has_an_incident,
)
from kiwisms.testing.simulation.tracing_laws import (
    a_caller_that_leaves_is_no_incident,
    a_number_is_never_guessed,
    a_number_rented_by_hand_is_left_alone,
    a_number_that_is_known_is_taken_back,
    an_open_incident_gets_the_balance,
    what_can_be_named_is_named,
    what_the_operator_said_is_kept,
)
from kiwisms.testing.simulation.upstream_laws import (
    a_code_is_shown,
    a_number_is_rented_once,
    every_number_sold_is_accounted_for,
    nothing_fails_without_a_fault,
    upstream_is_asked_once,
    what_cannot_be_kept_is_handed_back,
    what_is_paid_was_charged_upstream,
)
from kiwisms.testing.simulation.webhook_laws import (
    a_message_makes_an_event,
    a_message_makes_no_two_events,
    a_receiver_that_is_gone_is_not_called,
    what_was_delivered_was_taken,
)


def the_books_balance(life: Life) -> Iterator[str]:
    """Every law of the ledger holds."""
    for records in life.world.disk.records.values():
        for violation in audit(records.books()):
            yield f"{violation}"


def nothing_is_left_to_do(life: Life) -> Iterator[str]:
    """No rental, key, delivery or incident is unfinished."""
    for records in life.world.disk.records.values():
        for rental in records.rentals.values():
            if rental.state not in FINAL:
                yield f"{rental.id} is still {rental.state}"
        for key in records.idempotency.values():
            if key.state is KeyState.RUNNING:
                yield f"{key.key} is still {key.state}"
        for delivery in records.deliveries.values():
            if delivery.status is DeliveryStatus.PENDING:
                yield f"delivery {delivery.id} is still {delivery.status}"
        for incident in records.incidents.values():
            if incident.due_at is not None:
                yield f"incident {incident.id} is still due"


LAWS: Final[tuple[Law, ...]] = (
    the_books_balance,
    upstream_is_asked_once,
    a_number_is_rented_once,
    a_key_makes_one_rental,
    what_was_acknowledged_stays,
    balances_were_true,
    payments_are_applied_once,
    what_was_pushed_is_kept,
    a_push_is_a_hint_once,
    a_message_is_received_once,
    a_push_alone_charges_nobody,
    a_number_is_never_guessed,
    what_the_operator_said_is_kept,
    a_number_rented_by_hand_is_left_alone,
    only_a_silent_number_is_reported,
    only_a_silent_number_is_given_up,
    upstream_is_asked_before_a_rental_is_given_up,
    what_is_given_up_has_an_incident,
)
LAWS_AT_REST: Final[tuple[Law, ...]] = (
    nothing_is_left_to_do,
    every_number_sold_is_accounted_for,
    what_is_paid_was_charged_upstream,
    what_cannot_be_kept_is_handed_back,
    nothing_fails_without_a_fault,
    a_caller_that_leaves_is_no_incident,
    a_code_is_shown,
    a_message_makes_no_two_events,
    a_message_makes_an_event,
    what_was_delivered_was_taken,
    a_receiver_that_is_gone_is_not_called,
    a_pushed_code_is_shown_and_paid,
    an_open_incident_gets_the_balance,
    a_number_that_is_known_is_taken_back,
    what_can_be_named_is_named,
    a_silence_ends_with_its_rental,
    nothing_is_given_up_while_upstream_answers,
)
