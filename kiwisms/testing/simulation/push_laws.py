"""What must hold of pushed messages: they are kept once, shown in time, and charge nobody."""

from collections import Counter
from collections.abc import Iterator

from kiwisms.application.looks import number_of
from kiwisms.domain.rental_state import FINAL, UNPAID
from kiwisms.testing.simulation.facts import (
    given_up,
    must_be_seen_until,
    ran_out_unanswered,
    rentals_of,
)
from kiwisms.testing.simulation.life import Life


def what_was_pushed_is_kept(life: Life) -> Iterator[str]:
    """A message that was taken is stored as it was pushed."""
    kept = life.world.disk.kept_pushes
    for message_id, taken in life.pusher.taken.items():
        found = kept.get(taken.id)
        if found is None or (found.activation_id, found.code) != (taken.activation_id, taken.code):
            yield f"the pushed message {message_id} was taken, and is {found}"


def a_push_is_a_hint_once(life: Life) -> Iterator[str]:
    """Pushed messages make a number due for a look at most once each."""
    pushed = Counter(each.activation_id for each in life.world.disk.kept_pushes.values())
    for rental in rentals_of(life):
        looks = life.world.hastened[rental.id]
        if rental.activation_id is not None and looks > pushed[rental.activation_id]:
            yield f"{rental.id} was made due {looks} times by fewer pushed messages"


def a_message_is_received_once(life: Life) -> Iterator[str]:
    """A rental has each message once, however often it is pushed or looked at."""
    for rental in rentals_of(life):
        codes = [message.code for message in rental.messages]
        if len(codes) > len(set(codes)):
            yield f"{rental.id} has one message twice: {codes}"


def a_push_alone_charges_nobody(life: Life) -> Iterator[str]:
    """A rental has a message only if upstream had one: anyone who knows the address can push."""
    upstream = life.world.upstream.activations
    for rental in rentals_of(life):
        if rental.messages and not upstream[number_of(rental)].messages:
            yield f"{rental.id} received {rental.messages}, and upstream has no message"


def a_pushed_code_is_shown_and_paid(life: Life) -> Iterator[str]:
    """
    A code that was pushed, and taken while a look was still possible, is in its rental.

    If further messages must be asked for, a look shows only the first, so the law demands only
    that one. It demands none of a number that was given up, or that was silent when its paid rental
    ended: no look could confirm the push.
    """
    lost = given_up(life)
    by_number = {
        rental.activation_id: rental for rental in rentals_of(life) if rental.id not in lost
    }
    for taken in life.pusher.taken.values():
        rental = by_number.get(taken.activation_id)
        if rental is None or rental.state not in FINAL or taken.arrived_at > rental.expires_at:
            continue
        upstreams = life.world.upstream.activations[taken.activation_id].messages
        if taken.code not in {message.code for message in upstreams}:
            continue
        if life.world.upstream.asks_for_next and taken.code != upstreams[0].code:
            continue
        if ran_out_unanswered(life, rental):
            continue
        if taken.arrived_at > must_be_seen_until(life, rental, several=True):
            continue
        if taken.code not in {message.code for message in rental.messages}:
            yield f"{rental.id} is {rental.state} without the pushed code {taken.code}"
        elif rental.state in UNPAID:
            yield f"{rental.id} is {rental.state} although it has the code {taken.code}"
