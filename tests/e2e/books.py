"""Ours and upstream's books side by side: what must hold after any crash, once all is settled."""

from collections import Counter
from collections.abc import Mapping
from typing import Any, Final

import kiwisms
from kiwisms.domain.ids import AccountId
from kiwisms.domain.money import ZERO, Money
from kiwisms.domain.rental_state import SHOWN, State

ALL: Final = 1_000_000
PAID: Final = frozenset({State.RECEIVED, State.COMPLETED})
BACK: Final = frozenset({State.CANCELLED, State.EXPIRED})


async def assert_books_agree(
    kiwi: kiwisms.Kiwisms, upstream: Any, funded: Mapping[AccountId, Money]
) -> None:
    """
    Compare every rental, every wallet and every number that upstream ever rented out.

    Args:
        kiwi: Has done all the work that was due.
        upstream: The simulator's ``/control/state``.
        funded: What each account was given.
    """
    assert (await kiwi.wallet.audit()).violations == ()
    rentals = await kiwi.rentals.all(limit=ALL)
    incidents = await kiwi.ports.store.incidents(limit=ALL)
    sold = {each["id"]: each for each in upstream["activations"]}
    ours = [rental for rental in rentals if rental.state in SHOWN]
    assert {rental.state for rental in rentals} <= SHOWN | {State.FAILED}

    # Who has a number has one that upstream sold, and nobody else has it.
    assert len({rental.activation_id for rental in ours}) == len(ours)
    assert {(rental.activation_id, rental.phone) for rental in ours} <= {
        (each["id"], each["phone"]) for each in sold.values()
    }
    # What we gave back upstream gave back, or the operator knows; what we keep, upstream keeps.
    named = {incident.activation_id for incident in incidents if incident.may_cost}
    for rental in ours:
        is_back = sold[rental.activation_id]["state"] == "CANCELLED"
        if rental.state in BACK:
            assert is_back or rental.activation_id in named, rental
        else:
            assert not is_back, rental
    # What upstream sold and we do not know, the operator does.
    unknown = sold.keys() - {rental.activation_id for rental in ours}
    kept = Counter(sold[each]["service"] for each in unknown if sold[each]["state"] != "CANCELLED")
    failed = {rental.id: rental for rental in rentals if rental.state is State.FAILED}
    explained = Counter(
        failed[incident.rental_id].service for incident in incidents if incident.rental_id in failed
    )
    assert kept <= explained
    # To the cent.
    for account_id, given in funded.items():
        own = [rental for rental in ours if rental.account_id == account_id]
        held = sum((each.price for each in own if each.state is State.WAITING), ZERO)
        spent = sum((each.price for each in own if each.state in PAID), ZERO)
        wallet = await kiwi.wallet.balance(account_id)
        assert (wallet.available, wallet.held) == (given - spent - held, held)
