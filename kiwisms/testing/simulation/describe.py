"""Short descriptions of what happened, for a history."""

import re
from typing import Final

from kiwisms.adapters.memory.records import Records
from kiwisms.application.renting import Ordered
from kiwisms.domain.catalog import Catalog
from kiwisms.domain.rental import Rental
from kiwisms.domain.wallet import Wallet
from kiwisms.ports.provider import Received, Rented

UUID: Final = re.compile(r"0{8}-0000-7000-8000-0*([0-9a-f]+)")
"""An id of `CountingIds`."""


def shorten(text: str) -> str:
    """
    Replace each long id by its number.

    >>> shorten("00000000-0000-7000-8000-00000000000c is EXPIRED")
    '#c is EXPIRED'
    """
    return UUID.sub(r"#\1", text)


def kind_of(broken: str) -> str:
    """
    Take the ids and numbers out of a sentence, so that it names the kind of law broken.

    >>> kind_of("00000000-0000-7000-8000-00000000000c is EXPIRED after 3 looks")
    '# is EXPIRED after # looks'
    """
    return re.sub(r"\d+", "#", UUID.sub("#", broken))


def describe(answer: object) -> str:
    """Describe an answer in a few words."""
    match answer:
        case Ordered(rental=rental, replayed=replayed):
            said = describe(rental) + (" (replayed)" if replayed else "")
        case Rental():
            codes = " ".join(message.code for message in answer.messages)
            said = f"{answer.id} is {answer.state} at {answer.price} {codes}".rstrip()
        case Wallet():
            said = f"{answer.available} available, {answer.held} held"
        case Catalog():
            said = "a catalog"
        case Rented():
            said = f"rented {answer.activation_id} at {answer.cost}"
        case Received():
            said = f"received {answer.code}"
        case [*several]:
            said = f"[{', '.join(map(describe, several))}]"
        case _:
            said = str(answer)
    return said


def changes(before: Records, after: Records) -> str:
    """Describe what a commit wrote."""
    wallet = () if after.wallet is before.wallet else (after.wallet,)
    rentals = (
        rental for key, rental in after.rentals.items() if before.rentals.get(key) is not rental
    )
    keys = (
        f"{key} {record.state}"
        for key, record in after.idempotency.items()
        if before.idempotency.get(key) is not record
    )
    events = (
        f"delivery {key} {event.status}"
        for key, event in after.deliveries.items()
        if before.deliveries.get(key) is not event
    )
    incidents = (
        f"incident {each.kind}"
        for key, each in after.incidents.items()
        if key not in before.incidents
    )
    written = (*map(describe, (*rentals, *wallet)), *keys, *events, *incidents)
    return "; ".join(written) or "something else"
