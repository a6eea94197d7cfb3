"""The laws of the records beside the money: each agrees with the rental it is about."""

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Final

from kiwisms.domain.books import Books, Violation, violation
from kiwisms.domain.delivery import DeliveryStatus
from kiwisms.domain.events import CodeAndText, WebhookEvent, code_and_text, message_in
from kiwisms.domain.history import Step, in_order
from kiwisms.domain.idempotency import IdempotencyRecord, KeyState
from kiwisms.domain.ids import RentalId
from kiwisms.domain.rental import Rental
from kiwisms.domain.rental_state import FINAL, SHOWN, TRANSITIONS, UNDECIDED, Event, State

MESSAGES_ADDED: Final = {Event.RECEIVE: 1}
"""How many messages an event adds to a rental; an event that is not listed adds none."""

ALLOWED_STEPS: Final = frozenset(
    (before, after, MESSAGES_ADDED.get(event, 0)) for (before, event), after in TRANSITIONS.items()
)
"""The steps that can happen: the state before, the state after, and the messages added."""


def rentals_match_their_last_step(books: Books) -> Iterator[Violation]:
    """A rental has the state, the number of messages and the moment of its last step."""
    histories = _histories(books)
    for rental in books.rentals:
        expected, found = "a step", _position(rental.state, len(rental.messages), rental.changed_at)
        for step in histories[rental.id][-1:]:
            expected = _position(step.state, step.messages, step.at)
        if expected != found:
            law = "a rental matches its last step"
            yield violation(books, law, rental.id, expected, found)


def steps_follow_the_table(books: Books) -> Iterator[Violation]:
    """A rental's steps begin with its request and follow the table of transitions."""
    rentals = {rental.id for rental in books.rentals}
    for rental_id, steps in _histories(books).items():
        if rental_id not in rentals:
            yield violation(books, "a step has its rental", rental_id, "a rental", "none")
        state, messages = State.NEW, 0
        for step in steps:
            if (state, step.state, step.messages - messages) not in ALLOWED_STEPS:
                law = "steps follow the table of transitions"
                after = f"a step after {state} with {messages}"
                yield violation(books, law, rental_id, after, f"{step.state} with {step.messages}")
                break
            state, messages = step.state, step.messages


def waiting_work_is_due(books: Books) -> Iterator[Violation]:
    """A rental is due exactly until it is in a final state."""
    waits = {rental.id: (rental.state not in FINAL, rental.due_at) for rental in books.rentals}
    for row, (is_waiting, due_at) in waits.items():
        if is_waiting is (due_at is None):
            law, expected = "a rental is due until its end", "a date" if is_waiting else "none"
            yield violation(books, law, row, expected, due_at or "none")


def places_match_undecided_rentals(books: Books) -> Iterator[Violation]:
    """A rental has a place upstream exactly while it is undecided, if the store records places."""
    if books.places is None:
        return
    undecided = {rental.id for rental in books.rentals if rental.state in UNDECIDED}
    law = "a rental has a place upstream while it is undecided"
    for rental_id in sorted(undecided.symmetric_difference(books.places)):
        answers = ("a place", "none") if rental_id in undecided else ("none", "a place")
        yield violation(books, law, rental_id, *answers)


def keys_match_their_rentals(books: Books) -> Iterator[Violation]:
    """An idempotency key is RUNNING while its rental is REQUESTED, then FINISHED or FREE."""
    rentals = {rental.id: rental for rental in books.rentals}
    for record in books.idempotency:
        rental = rentals.get(record.rental_id)
        expected = _key_state(record, rental)
        if expected is not record.state:
            law = "an idempotency key agrees with its rental"
            yield violation(books, law, record.key, expected, record.state)
    owners = {record.key: record.rental_id for record in books.idempotency}
    for rental in books.rentals:
        key = rental.idempotency_key
        if rental.state is State.REQUESTED and key is not None and owners.get(key) != rental.id:
            law, owner = "a requested rental has its idempotency key", owners.get(key)
            yield violation(books, law, key, rental.id, owner or "none")


def deliveries_match_their_rentals(books: Books) -> Iterator[Violation]:
    """An event names an existing rental and message, is the only one, and is due until its end."""
    rentals = {rental.id: rental for rental in books.rentals}
    sent: Counter[tuple[RentalId, CodeAndText | None]] = Counter()
    for delivery in books.deliveries:
        is_waiting = delivery.status is DeliveryStatus.PENDING
        if is_waiting is (delivery.due_at is None):
            law, expected = "an event is due until its end", "a date" if is_waiting else "none"
            yield violation(books, law, delivery.id, expected, delivery.due_at or "none")
        if delivery.rental_id is None:
            continue
        rental = rentals.get(delivery.rental_id)
        if rental is None:
            yield violation(books, "an event has its rental", delivery.id, "a rental", "none")
        elif delivery.event == WebhookEvent.SMS_RECEIVED:
            message = message_in(delivery.body)
            sent[rental.id, message] += 1
            # Two messages may have the same code and text.
            received = sum(code_and_text(each) == message for each in rental.messages)
            if sent[rental.id, message] > received:
                law = "a message has at most one event"
                yield violation(books, law, delivery.id, received, sent[rental.id, message])


def incidents_have_their_rentals(books: Books) -> Iterator[Violation]:
    """An incident is about a rental whose request has ended, and due only while it is open."""
    rentals = {rental.id: rental for rental in books.rentals}
    for incident in books.incidents:
        rental = rentals.get(incident.rental_id)
        if rental is None or rental.state is State.REQUESTED:
            found = "none" if rental is None else rental.state
            law = "an incident has its rental"
            yield violation(books, law, incident.id, "a rental that was requested", found)
        if not incident.is_open and incident.due_at is not None:
            law = "a resolved incident is not due"
            yield violation(books, law, incident.id, "none", incident.due_at)


def _position(state: State, messages: int, since: datetime) -> str:
    return f"{state} with {messages} since {since}"


def _histories(books: Books) -> Mapping[RentalId, list[Step]]:
    steps: defaultdict[RentalId, list[Step]] = defaultdict(list)
    for step in books.steps:
        steps[step.rental_id].append(step)
    for rental_id, own in steps.items():
        steps[rental_id] = in_order(own)
    return steps


def _key_state(record: IdempotencyRecord, rental: Rental | None) -> KeyState:
    """The state that a key must have; FREE when it is no longer the rental's."""
    if rental is None or rental.idempotency_key != record.key or rental.state is State.FAILED:
        return KeyState.FREE
    return KeyState.FINISHED if rental.state in SHOWN else KeyState.RUNNING
