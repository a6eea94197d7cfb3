"""The audit finds every kind of wrong row in a store."""

from collections.abc import Callable

import pytest
from attrs import evolve

from kiwisms.domain.audit import CHECKS
from kiwisms.domain.books import Books
from kiwisms.domain.idempotency import KeyState
from kiwisms.domain.ids import DeliveryId, RentalId, TransferId
from kiwisms.domain.money import cents
from kiwisms.domain.rental_state import State
from kiwisms.ports.provider import Unknown
from kiwisms.ports.store import Store
from kiwisms.ports.transaction import Fact
from kiwisms.testing.kit import Kit

TAMPERED: dict[str, tuple[Callable[[Books], Fact], set[str]]] = {
    "Wallet": (
        lambda books: evolve(books.wallet, available=cents(1_000_000)),
        {"available is the sum of its transfers"},
    ),
    "Transfer": (
        lambda books: evolve(
            books.transfers[0], number=len(books.transfers) + 1, id=TransferId("credit:forged")
        ),
        {"the wallet counts its transfers", "available is the sum of its transfers"},
    ),
    "Rental": (
        lambda books: evolve(books.rentals[0], due_at=None),
        {"a rental is due until its end"},
    ),
    "Step": (
        lambda books: evolve(books.steps[0], state=State.EXPIRED),
        {"steps follow the table of transitions"},
    ),
    "IdempotencyRecord": (
        lambda books: evolve(books.idempotency[0], state=KeyState.RUNNING),
        {"an idempotency key agrees with its rental"},
    ),
    "Delivery": (
        lambda books: evolve(books.deliveries[0], id=DeliveryId("again")),
        {"a message has at most one event"},
    ),
    "Incident": (
        lambda books: evolve(books.incidents[0], rental_id=RentalId("nobody")),
        {"an incident has its rental"},
    ),
}
"""For each kind of fact how to make one wrong, and the laws that this breaks."""


async def books_of(kit: Kit) -> Books:
    """Read the books of the kit's customer, who has a record of every kind."""
    ada = await kit.customer("10.00", "carol@example.com")
    await kit.kiwi.webhooks.set(ada.id, "https://example.com/events")
    kit.provider.on_rent.next(Unknown("lost"))
    with pytest.raises(Exception, match="rent a number"):
        await kit.kiwi.rentals.rent(ada.id, service="go")
    rental = await kit.kiwi.rentals.rent(ada.id, service="go", idempotency_key="k")
    kit.provider.deliver("0042")
    kit.clock.advance(3)
    await kit.kiwi.rentals.get(ada.id, rental.id)
    [books] = [each async for each in kit.store.books() if each.wallet.account_id == ada.id]
    return evolve(books, rentals=[each for each in books.rentals if each.id == rental.id])


def test_every_kind_that_can_be_checked_is_tampered_with() -> None:
    assert TAMPERED.keys() == {kind.__name__ for kind in CHECKS}


@pytest.mark.parametrize("kind", TAMPERED)
async def test_a_wrong_row_is_found(store: Store, kind: str) -> None:
    kit = Kit(store=store)
    books = await books_of(kit)
    assert (await kit.kiwi.wallet.audit()).balanced
    tamper, laws = TAMPERED[kind]
    fact = tamper(books)
    assert type(fact).__name__ == kind
    async with store.transaction(books.wallet.account_id) as tx:
        tx.save(fact)
    found = await kit.kiwi.wallet.audit()
    assert {each.law for each in found.violations} == laws
    assert {each.account_id for each in found.violations} == {books.wallet.account_id}
