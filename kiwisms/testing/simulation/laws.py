"""What must hold in every life, whatever goes wrong."""

from collections import Counter
from collections.abc import Iterator
from typing import Final

from kiwisms.adapters.simulator.activation import ActivationState
from kiwisms.domain.audit import audit
from kiwisms.domain.causes import OperatorMove, operator_transfer_id
from kiwisms.domain.delivery import GONE, Delivery, DeliveryStatus
from kiwisms.domain.idempotency import KeyState
from kiwisms.domain.rental_state import FINAL, SHOWN, UNPAID, State
from kiwisms.domain.wallet import Wallet
from kiwisms.testing.simulation.customer import Balance
from kiwisms.testing.simulation.facts import given_up, incidents_of, rentals_of, sure_until
from kiwisms.testing.simulation.life import Law, Life
from kiwisms.testing.simulation.marks import Mark
from kiwisms.testing.simulation.push_laws import (
    a_message_is_received_once,
    a_push_alone_charges_nobody,
    a_push_is_a_hint_once,
    a_pushed_code_is_shown_and_paid,
    what_was_pushed_is_kept,
)
from kiwisms.testing.simulation.silence_laws import (
    only_what_is_silent_is_given_up,
    only_what_is_silent_is_told_of,
    silence_ends_with_its_rental,
    what_can_be_asked_is_not_given_up,
    what_is_given_up_is_named,
)
from kiwisms.testing.simulation.tracing_laws import (
    a_caller_that_leaves_is_no_incident,
    a_number_is_never_guessed,
    a_number_rented_by_hand_is_left_alone,
    a_number_that_is_known_is_taken_back,
    an_incident_is_gone_into,
    what_can_be_named_is_named,
    what_the_operator_said_stands,
)


def the_books_balance(life: Life) -> Iterator[str]:
    """Every law of the ledger holds."""
    for records in life.world.disk.records.values():
        for violation in audit(records.books()):
            yield f"{violation}"


def upstream_is_asked_once(life: Life) -> Iterator[str]:
    """Upstream was never asked for more numbers than were requested."""
    requests = sum(1 for _ in rentals_of(life))
    if life.world.asked > requests:
        yield f"upstream was asked for {life.world.asked} numbers for {requests} requests"


def a_number_is_rented_once(life: Life) -> Iterator[str]:
    """No two rentals are of one activation."""
    owners = Counter(rental.activation_id for rental in rentals_of(life) if rental.activation_id)
    for activation_id, count in owners.items():
        if count > 1:
            yield f"{count} rentals have the number {activation_id}"


def a_key_makes_one_rental(life: Life) -> Iterator[str]:
    """All answers to one key name one rental, and the store has no other."""
    for customer in life.customers:
        for key, answers in customer.answers.items():
            if len(answers) > 1:
                yield f"{key} was answered with {sorted(answers)}"
    made = Counter(
        (rental.account_id, rental.idempotency_key)
        for rental in rentals_of(life)
        if rental.idempotency_key is not None and rental.state in SHOWN
    )
    for (_, key), count in made.items():
        if count > 1:
            yield f"{key} made {count} rentals"


def what_was_acknowledged_stays(life: Life) -> Iterator[str]:
    """A rental that a customer was shown is there, with all that was shown of it."""
    for customer in life.customers:
        records = life.world.disk.records[customer.account_id]
        for rental_id, told in customer.told.items():
            shown, now = told.rental, records.rentals.get(rental_id)
            if now is None or now.state not in SHOWN:
                yield f"{rental_id} was acknowledged, and is {now and now.state}"
            elif now.messages[: len(shown.messages)] != shown.messages:
                yield f"{rental_id} was shown with {shown.messages}, and has {now.messages}"
            elif (now.phone, now.price) != (shown.phone, shown.price):
                yield f"{rental_id} was shown as {shown}, and is {now}"
            elif shown.state in FINAL and now.state is not shown.state:
                yield f"{rental_id} had ended as {shown.state}, and is {now.state}"


def balances_were_true(life: Life) -> Iterator[str]:
    """Every balance that a customer read is one that the ledger had."""
    for customer in life.customers:
        if not customer.balances:
            continue
        records = life.world.disk.records[customer.account_id]
        wallet = Wallet(account_id=customer.account_id)
        had = {Balance(available=wallet.available, held=wallet.held)}
        for transfer in records.books().transfers:
            wallet = wallet.apply(transfer)
            had.add(Balance(available=wallet.available, held=wallet.held))
        for balance in customer.balances:
            if balance not in had:
                yield f"{customer.name} read {balance}, which never was"


def payments_are_applied_once(life: Life) -> Iterator[str]:
    """A credit that was acknowledged is in the ledger, with its amount."""
    for customer in life.customers:
        transfers = life.world.disk.records[customer.account_id].transfers
        for reference, amount in customer.credits.items():
            transfer = transfers.get(operator_transfer_id(OperatorMove.CREDIT, reference))
            if transfer is None or transfer.amount != amount:
                yield f"the payment {reference} of {amount} is {transfer}"


def nothing_is_left_to_do(life: Life) -> Iterator[str]:
    """No rental, key, delivery or incident waits for anything any more."""
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


def upstream_sold_what_we_know_of(life: Life) -> Iterator[str]:
    """A number that no rental has was handed back, or is the incident of a failed request."""
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
        yield f"{len(lost)} numbers are nobody's, and incidents explain {len(explained)}"


def who_pays_us_costs_us(life: Life) -> Iterator[str]:
    """
    What customers paid for was charged upstream, and what they did not pay for was not.

    Where that cannot be known, an incident says so.
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
    """A number that a process heard of, and could not write down, was cancelled upstream."""
    if life.world.marks[Mark.CRASHED]:
        return
    kept = {rental.activation_id for rental in rentals_of(life)}
    for activation_id in sorted(life.world.heard - kept - life.world.handed_back):
        yield f"{activation_id} is nobody's, and was not handed back"


def nothing_fails_without_a_fault(life: Life) -> Iterator[str]:
    """Where nothing went wrong, no request for a number is an incident."""
    if life.world.is_faultless:
        for incident in incidents_of(life):
            if incident.activation_id is None:
                yield f"{incident.rental_id} failed for nothing: {incident.kind}"


def a_code_is_shown(life: Life) -> Iterator[str]:
    """
    A message that upstream had before a rental ended is in the rental.

    Upstream shows its latest message alone, so only that one can be demanded; and where a further
    one must be asked for, only the first. Nobody who is done with a number that is paid waits for
    an upstream that does not answer: a message that it may have then is not demanded either. Nor is
    one of a number that was given up: nobody could learn of it.
    """
    lost = given_up(life)
    for rental in rentals_of(life):
        if rental.activation_id is None or rental.state not in FINAL or rental.id in lost:
            continue
        messages = life.world.upstream.activations[rental.activation_id].messages
        if life.world.upstream.asks_for_next:
            messages = messages[:1]
        end = sure_until(life, rental, several=len(messages) > 1)
        if messages and messages[-1].at <= end:
            if messages[-1].code not in {message.code for message in rental.messages}:
                yield f"{rental.id} is {rental.state} without the code {messages[-1].code}"
        elif messages and messages[0].at <= end and not rental.messages:
            yield f"{rental.id} is {rental.state} without any code"


def an_event_is_told_once(life: Life) -> Iterator[str]:
    """No two deliveries tell of one message."""
    for records in life.world.disk.records.values():
        told = Counter(each.body for each in records.deliveries.values() if each.rental_id)
        for body, count in told.items():
            if count > 1:
                yield f"{count} deliveries say {body}"


def a_message_makes_an_event(life: Life) -> Iterator[str]:
    """Where an account's address was always the same, each message made a delivery."""
    for customer in life.customers:
        records = life.world.disk.records[customer.account_id]
        addresses = {webhook.url for webhook in records.webhooks.values()}
        if (
            not addresses
            or not customer.steady_webhook
            or addresses & life.world.receivers.gone.keys()
        ):
            continue
        told = Counter(delivery.rental_id for delivery in records.deliveries.values())
        for rental in records.rentals.values():
            count = told[rental.id]
            if count != len(rental.messages):
                yield f"{rental.id} has {len(rental.messages)} messages and {count} deliveries"


def what_was_delivered_was_taken(life: Life) -> Iterator[str]:
    """A delivery that counts as delivered was taken by its receiver, under its id."""
    for records in life.world.disk.records.values():
        for delivery in records.deliveries.values():
            taken = life.world.receivers.taken[delivery.id]
            if delivery.status is DeliveryStatus.DELIVERED and not taken:
                yield f"{delivery.id} was never taken, and counts as delivered"


def who_is_gone_is_left_alone(life: Life) -> Iterator[str]:
    """An address whose 410 was heard of is not called any more."""
    for records in life.world.disk.records.values():
        for webhook in records.webhooks.values():
            told = life.world.receivers.gone.get(webhook.url, set())
            heard = any(_was_gone(each) for each in records.deliveries.values() if each.id in told)
            if heard and webhook.stopped_at is None:
                yield f"{webhook.url} is gone, and would be called again"


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
    what_the_operator_said_stands,
    a_number_rented_by_hand_is_left_alone,
    only_what_is_silent_is_told_of,
    only_what_is_silent_is_given_up,
    what_is_given_up_is_named,
)
LAWS_AT_REST: Final[tuple[Law, ...]] = (
    nothing_is_left_to_do,
    upstream_sold_what_we_know_of,
    who_pays_us_costs_us,
    what_cannot_be_kept_is_handed_back,
    nothing_fails_without_a_fault,
    a_caller_that_leaves_is_no_incident,
    a_code_is_shown,
    an_event_is_told_once,
    a_message_makes_an_event,
    what_was_delivered_was_taken,
    who_is_gone_is_left_alone,
    a_pushed_code_is_shown_and_paid,
    an_incident_is_gone_into,
    a_number_that_is_known_is_taken_back,
    what_can_be_named_is_named,
    silence_ends_with_its_rental,
    what_can_be_asked_is_not_given_up,
)


def _was_gone(delivery: Delivery) -> bool:
    return (delivery.last_error or "").startswith(f"HTTP {GONE}")
