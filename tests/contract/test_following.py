"""A transaction that follows another finds what that one left, and never overwrites anybody."""

from typing import Any

import psycopg
import pytest
from attrs import evolve

from kiwisms.adapters.postgres import PostgresStore
from kiwisms.domain.account import AccountStatus
from kiwisms.domain.ids import AccountId, IdempotencyKey, RentalId
from kiwisms.domain.money import ZERO, cents
from kiwisms.domain.rental_state import State
from kiwisms.ports.store import Store
from kiwisms.ports.transaction import Prefetch, Transaction, TransactionConflict
from tests.contract.stores import (
    ADA,
    BOB,
    NOW,
    account,
    record,
    requested,
    seconds,
    transfer,
    waiting,
    wallet,
    webhook,
)
from tests.postgres import database

R1 = RentalId("r-1")
KEY = IdempotencyKey("order-42")
HELD = wallet(cents(961), cents(39), 1)


async def hold(store: Store) -> Transaction:
    async with store.transaction(ADA, Prefetch(key=KEY)) as tx:
        assert await tx.idempotency(KEY) is None
        tx.save(requested(), HELD, record(), transfer())
    return tx


async def keep(store: Store, after: Transaction, *, of: AccountId = ADA) -> None:
    async with store.transaction(of, Prefetch(rental_id=R1, key=KEY, after=after)) as tx:
        rental = await tx.rental(R1)
        assert rental is not None
        assert rental.state is State.REQUESTED
        tx.save(evolve(waiting(), created_at=rental.created_at), (await tx.wallet()))


async def suspend(store: Store) -> None:
    async with store.transaction(ADA) as tx:
        tx.save((await tx.account()).suspend("a chargeback"))


async def test_it_finds_all_that_the_one_before_it_left(store: Store) -> None:
    async with store.transaction(ADA) as tx:
        tx.save(account().suspend("a chargeback"), requested(), HELD, record(), webhook())
    async with store.transaction(ADA, Prefetch(rental_id=R1, key=KEY, after=tx)) as following:
        assert (await following.account()).status is AccountStatus.SUSPENDED
        assert await following.wallet() == HELD
        assert await following.rental(R1) == requested()
        assert await following.rental(RentalId("r-2")) is None
        assert await following.idempotency(KEY) == record()
        assert await following.webhook(None) == webhook()
        following.remove(webhook())
    async with store.transaction(ADA, Prefetch(after=following)) as last:
        assert await last.webhook(None) is None
        assert await last.wallet() == HELD
        tx.save(waiting())
        assert await last.rental(R1) == requested()


async def test_it_writes_as_any_other(store: Store) -> None:
    await keep(store, await hold(store))
    assert await store.rental(ADA, R1) == waiting()
    assert await store.wallet(ADA) == HELD


async def test_who_wrote_here_meanwhile_is_seen(store: Store) -> None:
    held = await hold(store)
    await suspend(store)
    async with store.transaction(ADA, Prefetch(rental_id=R1, after=held)) as tx:
        assert (await tx.account()).status is AccountStatus.SUSPENDED
        tx.save(waiting())
    assert await store.rental(ADA, R1) == waiting()


async def test_one_that_came_to_nothing_left_nothing(store: Store) -> None:
    async def fail(tx: Transaction) -> None:
        tx.save(wallet(cents(99), ZERO, 9))
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        async with store.transaction(ADA) as failed:
            await fail(failed)
    async with store.transaction(ADA, Prefetch(after=failed)) as tx:
        assert await tx.wallet() == wallet(ZERO, ZERO, 0)


async def test_one_of_another_account_says_nothing(store: Store) -> None:
    held = await hold(store)
    async with store.transaction(BOB, Prefetch(rental_id=R1, key=KEY, after=held)) as tx:
        assert await tx.wallet() == wallet(ZERO, ZERO, 0, BOB)
        assert await tx.rental(R1) is None


async def test_who_wrote_elsewhere_meanwhile_is_not_overwritten(both: tuple[Store, Store]) -> None:
    store, other = both
    await store.create_account(account())
    held = await hold(store)
    await suspend(other)
    async with other.transaction(ADA, Prefetch(rental_id=R1, key=KEY)) as tx:
        tx.save(requested().fail(NOW), wallet(cents(1000), ZERO, 2))
    after = [await other.rental(ADA, R1), await other.wallet(ADA), await other.account(ADA)]
    # Over Postgres it looks at the end, and the second time at once.
    seen = TransactionConflict if isinstance(store, PostgresStore) else AssertionError
    with pytest.raises(seen):
        await keep(store, held)
    with pytest.raises(AssertionError):
        await keep(store, held)
    assert after == [await store.rental(ADA, R1), await store.wallet(ADA), await store.account(ADA)]


async def test_a_claim_in_between_does_not_stop_it(both: tuple[Store, Store]) -> None:
    store, other = both
    await store.create_account(account())
    held = await hold(store)
    late = NOW + seconds(61)
    [claimed] = await other.claim_due_rentals(
        now=late, look_after=late + seconds(3), until=late + seconds(30), limit=9
    )
    assert claimed.id == R1
    await keep(store, held)
    assert await other.rental(ADA, R1) == waiting()


async def test_over_postgres_it_asks_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    sent: list[object] = []
    send = psycopg.AsyncCursor.execute

    async def count(self: Any, statement: Any, *places: Any, **how: Any) -> Any:
        sent.append(statement)
        return await send(self, statement, *places, **how)

    async with database() as url, PostgresStore(url) as store:
        await store.create_account(account())
        monkeypatch.setattr(psycopg.AsyncCursor, "execute", count)
        held = await hold(store)
        assert len(sent) == 2
        await keep(store, held)
        assert len(sent) == 3
