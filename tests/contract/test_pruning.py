"""Old records go, and with them not a cent, no rental and nothing that is open."""

import pytest
from attrs import evolve

from kiwisms.domain.delivery import DeliveryStatus
from kiwisms.domain.errors import ValidationRefused
from kiwisms.domain.idempotency import KeyState
from kiwisms.domain.ids import ActivationId, IncidentId, RentalId
from kiwisms.ports.provider import Unknown
from kiwisms.ports.store import Pruned, Store
from kiwisms.ports.transaction import Fact
from kiwisms.testing.kit import Kit
from tests.contract.stores import (
    ADA,
    BOB,
    NOW,
    delivery,
    incident,
    open_incident,
    pushed,
    record,
    seconds,
    step,
    trail_entry,
    transfer,
    waiting,
)

OLD = NOW - seconds(10)
ENDED = evolve(delivery("d-ended", at=OLD, due_at=None), status=DeliveryStatus.GIVEN_UP)
RESOLVED = evolve(incident("i-resolved"), resolved_at=OLD, due_at=None)
REMOVED: list[Fact] = [
    evolve(record(KeyState.FINISHED, "k-finished"), claimed_at=OLD),
    evolve(record(KeyState.FREE, "k-free"), claimed_at=OLD),
    ENDED,
    RESOLVED,
    trail_entry("t-old", OLD),
]
KEPT: list[Fact] = [
    evolve(record(KeyState.RUNNING, "k-running"), claimed_at=OLD),
    record(KeyState.FINISHED, "k-young"),
    delivery("d-pending", at=OLD),
    evolve(delivery("d-young", due_at=None), status=DeliveryStatus.DELIVERED),
    open_incident("i-open", at=OLD),
    evolve(incident("i-young"), resolved_at=NOW),
    evolve(RESOLVED, id=IncidentId("i-pushed"), activation_id=ActivationId("77")),
    trail_entry("t-young", NOW),
    transfer(),
    evolve(step(), at=OLD),
    waiting(at=OLD),
]


async def facts(store: Store) -> dict[str, set[str]]:
    """Name all that is kept of one account."""
    [books] = [each async for each in store.books() if each.wallet.account_id == ADA]
    return {
        "keys": {each.key for each in books.idempotency},
        "deliveries": {each.id for each in books.deliveries},
        "incidents": {each.id for each in books.incidents},
        "trail": {each.id for each in await store.trail(ADA, limit=99)},
        "money": {each.id for each in books.transfers},
        "rentals": {each.id for each in books.rentals},
        "steps": {each.state for each in books.steps},
    }


async def save(store: Store, *kept: Fact) -> None:
    async with store.transaction(ADA) as tx:
        tx.save(*kept)


async def test_what_has_ended_before_is_removed_and_nothing_else(store: Store) -> None:
    await store.add_push(pushed("p-young", "77"))
    await save(store, *KEPT)
    kept = await facts(store)
    await save(store, *REMOVED)
    assert await store.prune(BOB, before=NOW, limit=9) == Pruned()
    assert await store.prune(ADA, before=NOW, limit=9) == Pruned(
        keys=2, deliveries=1, incidents=1, entries=1
    )
    assert await facts(store) == kept
    assert await store.prune(ADA, before=NOW, limit=9) == Pruned()


async def test_no_more_is_removed_at_once_than_is_asked_for(store: Store) -> None:
    await save(store, *(trail_entry(f"t-{number}", OLD) for number in range(5)))
    removed = [(await store.prune(ADA, before=NOW, limit=2)).entries for _ in range(4)]
    assert removed == [2, 2, 1, 0]


async def test_a_pushed_message_stays_as_long_as_it_is_of_use(store: Store) -> None:
    ended = evolve(waiting("r-2").cancel(NOW), activation_id=ActivationId("2"))
    found = evolve(open_incident("i-open"), activation_id=ActivationId("3"))
    closed = evolve(incident("i-closed"), activation_id=ActivationId("4"))
    await save(store, waiting("r-1"), ended, found, closed)
    for activation in ("9r-1", "2", "3", "4", "nobody's"):
        await store.add_push(pushed(f"of-{activation}", activation, OLD))
    await store.add_push(pushed("young", "2", NOW))
    assert await store.prune_pushes(before=NOW, limit=1) == 1
    assert await store.prune_pushes(before=NOW, limit=9) == 1
    assert await store.prune_pushes(before=NOW, limit=9) == 0
    left = {
        each.id
        for activation in ("9r-1", "2", "3", "4", "nobody's")
        for each in await store.pushes(ActivationId(activation))
    }
    assert left == {"of-9r-1", "young", "of-3", "of-nobody's"}


async def test_the_books_are_as_right_as_before(store: Store) -> None:
    kit = Kit(store=store)
    carol = await kit.customer("10.00", "carol@example.com")
    await kit.kiwi.webhooks.set(carol.id, "https://example.com/events")
    kit.provider.on_rent.next(Unknown("lost"))
    with pytest.raises(Exception, match="rent a number"):
        await kit.kiwi.rentals.rent(carol.id, service="go")
    rental = await kit.kiwi.rentals.rent(carol.id, service="go", idempotency_key="k")
    kit.provider.deliver("0042")
    kit.clock.advance(5)
    await kit.work()
    [lost] = await kit.kiwi.incidents.all()
    await kit.kiwi.incidents.resolve(lost.id, note="not charged")
    kit.clock.advance(86_400 * 2)
    await kit.work()
    with pytest.raises(ValidationRefused):
        await kit.kiwi.pruning.run(days=0)
    assert await kit.kiwi.pruning.run(days=7) == Pruned()
    statement = await kit.kiwi.wallet.statement(carol.id)
    assert (await kit.kiwi.wallet.audit()).balanced
    pruned = await kit.kiwi.pruning.run(days=1)
    assert pruned == Pruned(keys=1, deliveries=1, incidents=1, entries=4)
    assert (await kit.kiwi.wallet.audit()).balanced
    assert await kit.kiwi.wallet.statement(carol.id) == statement
    assert await kit.kiwi.trail.of(carol.id) == []
    assert (await kit.kiwi.rentals.find(RentalId(rental.id))).state == "COMPLETED"
    again = await kit.kiwi.rentals.rent(carol.id, service="go", idempotency_key="k")
    assert again.id != rental.id
