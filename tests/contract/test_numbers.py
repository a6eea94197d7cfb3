"""A number that upstream gives twice is one customer's, whichever processes they came to."""

import asyncio
from collections import Counter

import pytest

from kiwisms.application.errors import ProviderFailed
from kiwisms.domain.ids import ActivationId
from kiwisms.domain.incident import IncidentKind
from kiwisms.domain.rental import Rental
from kiwisms.domain.rental_state import State
from kiwisms.ports.provider import Phone, Rented
from kiwisms.ports.store import Store
from kiwisms.testing.kit import Kit

NUMBER = Rented(activation_id=ActivationId("4242"), phone=Phone("13476711222"))
CUSTOMERS = 6


@pytest.mark.parametrize("turn", range(3))
async def test_two_processes_never_give_one_number_to_two(
    both: tuple[Store, Store], turn: int
) -> None:
    processes = [Kit(store=store) for store in both]
    for kit in processes:
        kit.provider.on_rent.next(NUMBER, times=CUSTOMERS)
    customers = [
        await processes[0].customer("10.00", f"{number}-{turn}@example.com")
        for number in range(CUSTOMERS)
    ]
    told = await asyncio.gather(
        *(
            processes[number % 2].kiwi.rentals.rent(each.id, service="go")
            for number, each in enumerate(customers)
        ),
        return_exceptions=True,
    )
    assert Counter(type(each) for each in told) == {Rental: 1, ProviderFailed: CUSTOMERS - 1}
    [open_one] = await both[0].rentals(account_id=None, state=State.WAITING, limit=99)
    assert open_one in told
    assert [kit.provider.on_cancel.calls for kit in processes] == [0, 0]
    incidents = await both[1].incidents(limit=99)
    assert [each.kind for each in incidents] == [IncidentKind.ANSWER_LOST] * (CUSTOMERS - 1)
    assert (await processes[1].kiwi.wallet.audit()).balanced
