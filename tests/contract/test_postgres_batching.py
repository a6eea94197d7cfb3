"""Reads that come at once go together, and each is answered as if it had gone alone."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import psycopg
import pytest
from attrs import evolve

from kiwisms.adapters.postgres import PostgresStore, batching
from kiwisms.adapters.postgres.connections import Connection
from kiwisms.domain.ids import RentalId
from kiwisms.ports.store import StoreUnavailable
from tests.contract.stores import ADA, BOB, account, waiting
from tests.postgres import database

FIRST, SECOND = RentalId("first"), RentalId("second")


@pytest.fixture
async def store() -> AsyncIterator[PostgresStore]:
    async with database() as url, PostgresStore(url) as opened:
        for owner in (ADA, BOB):
            await opened.create_account(account(owner, f"{owner}@example.com"))
        async with opened.transaction(ADA) as tx:
            tx.save(waiting(FIRST), waiting(SECOND))
        yield opened


async def test_concurrent_reads_each_get_their_own_rows(store: PostgresStore) -> None:
    read = await asyncio.gather(
        store.rental(ADA, SECOND),
        store.rental(BOB, FIRST),
        store.rental(ADA, FIRST),
        store.rental(ADA, SECOND),
    )
    assert [rental and rental.id for rental in read] == [SECOND, None, FIRST, SECOND]


async def test_a_name_that_no_store_can_hold_does_not_hide_the_others(store: PostgresStore) -> None:
    read = await asyncio.gather(
        store.rental(ADA, RentalId("with a \0")),
        store.rental(ADA, FIRST),
        store.rental(ADA, RentalId("half a pair \ud800")),
    )
    assert [rental and rental.id for rental in read] == [None, FIRST, None]


async def test_several_reads_without_rows_are_one_statement(
    store: PostgresStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent: list[object] = []
    send = psycopg.AsyncCursor.execute

    async def count(self: Any, statement: Any, *places: Any, **how: Any) -> Any:
        sent.append(statement)
        return await send(self, statement, *places, **how)

    monkeypatch.setattr(psycopg.AsyncCursor, "execute", count)
    names = [RentalId(f"nobody's {number}") for number in range(9)]
    assert await asyncio.gather(*(store.rental(ADA, each) for each in names)) == [None] * 9
    assert len(sent) <= 2


async def test_no_read_waits_long_for_a_statement_that_hangs(
    store: PostgresStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(batching, "LONGEST_READ_SECONDS", 0.2)
    async with store.connections.connection() as other, asyncio.timeout(5):
        await other.execute("BEGIN")
        await other.execute("LOCK TABLE rental")
        answers = await asyncio.gather(
            *(store.rental(ADA, each) for each in (FIRST, SECOND, FIRST)), return_exceptions=True
        )
        assert [type(each) for each in answers] == [StoreUnavailable] * 3
        waits = asyncio.ensure_future(store.rental(ADA, FIRST))
        await asyncio.sleep(0)
        await other.execute("ROLLBACK")
        read = await waits
    assert read is not None
    assert await store.rental(ADA, SECOND) is not None


async def test_a_cancelled_read_cancels_no_other(store: PostgresStore) -> None:
    gone = asyncio.ensure_future(store.rental(ADA, FIRST))
    stays = asyncio.ensure_future(store.rental(ADA, FIRST))
    await asyncio.sleep(0)
    gone.cancel()
    assert await stays is not None


async def test_who_asks_after_a_commit_sees_it_while_others_are_read_for(
    store: PostgresStore,
) -> None:
    async def change_and_read(number: int) -> bool:
        phone = f"1202555{number:04}"
        async with store.transaction(ADA) as tx:
            tx.save(evolve(waiting(FIRST), phone=phone))
        rental = await store.rental(ADA, FIRST)
        return rental is not None and rental.phone >= phone

    everybody = (store.rental(BOB, SECOND) for _ in range(20))
    seen = await asyncio.gather(*map(change_and_read, range(20)), *everybody)
    assert all(seen[:20])


async def test_all_readers_get_the_error_of_a_read(
    store: PostgresStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fail(*_arguments: object) -> None:
        raise StoreUnavailable("the read failed")

    monkeypatch.setattr(Connection, "read_all", fail)
    await all_readers_fail(store)
    monkeypatch.undo()
    assert await store.rental(ADA, FIRST) is not None


async def test_all_readers_get_the_error_when_there_is_no_connection(
    store: PostgresStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail() -> None:
        raise StoreUnavailable("no connection")

    monkeypatch.setattr(store.connections, "connection", fail)
    await all_readers_fail(store)
    monkeypatch.undo()
    assert await store.rental(ADA, FIRST) is not None


async def all_readers_fail(store: PostgresStore) -> None:
    asked = [store.rental(ADA, FIRST), store.rental(BOB, FIRST), store.rental(ADA, SECOND)]
    answers = await asyncio.gather(*asked, return_exceptions=True)
    assert [type(each) for each in answers] == [StoreUnavailable] * 3
