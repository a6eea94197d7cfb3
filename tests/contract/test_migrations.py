"""The schema of each store: made by steps, each applied once, wherever one comes from."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, closing
from pathlib import Path
from typing import Any, Final

import psycopg
import pytest
from attrs import evolve, frozen

from kiwisms.adapters.postgres import PostgresStore
from kiwisms.adapters.postgres import migrations as of_postgres
from kiwisms.adapters.sqlite import SqliteStore
from kiwisms.adapters.sqlite import migrations as of_sqlite
from kiwisms.domain.audit import audit
from kiwisms.domain.events import DEFAULT_EVENTS
from kiwisms.domain.ids import RentalId
from kiwisms.domain.incident import IncidentKind
from kiwisms.domain.money import cents
from kiwisms.domain.rental import Rental
from kiwisms.domain.rental_state import State
from kiwisms.ports.store import SchemaMismatch, Store
from kiwisms.ports.transaction import NumberTaken
from tests.contract.stores import ADA, BOB, wallet
from tests.postgres import bare_database

FIRST: Final = f"""
INSERT INTO account (account_id, email, status, created_at)
VALUES ('{ADA}', 'ada@example.com', 'ACTIVE', AT);
INSERT INTO wallet (account_id, available, held, transfers, version)
VALUES ('{ADA}', 9610000, 390000, 2, 2);
INSERT INTO transfer (account_id, number, id, debit, credit, amount, reason, at)
VALUES ('{ADA}', 1, 'credit:a', 'FUNDING', 'AVAILABLE', 10000000, 'top-up', AT),
    ('{ADA}', 2, 'rental:r-1:hold', 'AVAILABLE', 'HELD', 390000, 'Google', AT);
INSERT INTO rental (
    account_id, id, service, service_name, country, state, price, activation_id, phone,
    messages, created_at, changed_at, expires_at, look_after, due_at)
VALUES ('{ADA}', 'r-1', 'go', 'Google', '187', 'WAITING', 390000, '9', '12025550123',
    '[]', AT, AT, AT, AT, AT);
INSERT INTO step (account_id, rental_id, state, messages, actor, at)
VALUES ('{ADA}', 'r-1', 'REQUESTED', 0, 'app', AT), ('{ADA}', 'r-1', 'WAITING', 0, 'app', AT);
"""
FILL: Final = f"""{FIRST}
INSERT INTO webhook (account_id, key_prefix, url, sealed_secret)
VALUES ('{ADA}', '', 'https://example.com/hook', 'sealed');
INSERT INTO delivery (
    account_id, id, event, rental_id, body, status, attempts, tries_left, last_error, created_at)
VALUES ('{ADA}', 'd-1', 'webhook.test', NULL, '', 'GIVEN_UP', 8, 0, 'HTTP 500', AT);
INSERT INTO incident (account_id, id, rental_id, kind, detail, price, activation_id, at)
VALUES ('{ADA}', 'i-1', 'r-1', 'ANSWER_LOST', 'lost', 390000, '9', AT);
"""
"""Rows that any version may have stored; AT is any moment."""
IN_A_PLACE: Final = f"""{FILL}
INSERT INTO place (number, account_id, rental_id) VALUES (1, '{ADA}', 'r-1'), (2, NULL, NULL);
"""
PLACES_SINCE: Final = 7
"""The version of Postgres's schema; SQLite has no such table."""
VERSIONS: Final = range(1, max(of_sqlite.NEWEST, of_postgres.NEWEST) + 1)

LAYOUT: Final = (
    """
    SELECT table_name, column_name, data_type, is_nullable, column_default, collation_name
    FROM information_schema.columns WHERE table_schema = 'public' ORDER BY 1, 2
    """,
    """
    SELECT conrelid::regclass::text, pg_get_constraintdef(oid)
    FROM pg_constraint WHERE connamespace = 'public'::regnamespace ORDER BY 1, 2
    """,
    "SELECT indexdef FROM pg_indexes WHERE schemaname = 'public' ORDER BY 1",
)
BROKEN: Final = "CREATE TABLE half (a int);\nCREATE TABLE account (account_id int);"


@frozen
class InSqlite:
    """An empty store, below the level of `Store`."""

    path: Path
    steps: Sequence[str] = of_sqlite.STEPS
    at: str = "0"

    async def migrate(self, steps: Sequence[str]) -> None:
        with self._open() as connection:
            connection.execute("BEGIN")
            try:
                of_sqlite.migrate(connection, steps)
            except BaseException:
                connection.execute("ROLLBACK")
                raise
            connection.execute("COMMIT")

    async def run(self, script: str) -> None:
        with self._open() as connection:
            connection.executescript(script)

    async def version(self) -> int:
        with self._open() as connection:
            return int(connection.execute("PRAGMA user_version").fetchone()[0])

    async def layout(self) -> Sequence[object]:
        """All that the database knows of its tables."""
        with self._open() as connection:
            tables = connection.execute("SELECT name FROM sqlite_schema ORDER BY name").fetchall()
            return [
                (name, kind, connection.execute(f"PRAGMA {kind}({name})").fetchall())
                for (name,) in tables
                for kind in ("table_xinfo", "index_xinfo", "foreign_key_list")
            ]

    async def empty(self) -> "InSqlite":
        """Another one, with nothing in it."""
        return InSqlite(self.path.with_name("other.db"))

    def store(self) -> SqliteStore:
        return SqliteStore(self.path)

    def _open(self) -> "closing[sqlite3.Connection]":
        return closing(sqlite3.connect(self.path, isolation_level=None))


@frozen
class InPostgres:
    """The same in a database, with another one beside it."""

    url: str
    other_url: str
    steps: Sequence[str] = of_postgres.STEPS
    at: str = "now()"

    async def migrate(self, steps: Sequence[str]) -> None:
        async with self._open() as connection:
            await of_postgres.migrate(connection, steps)

    async def run(self, script: str) -> None:
        async with self._open() as connection:
            await connection.execute(script.encode())

    async def version(self) -> int:
        async with self._open() as connection:
            return await of_postgres.schema_version(connection)

    async def layout(self) -> Sequence[object]:
        async with self._open() as connection:
            return [await (await connection.execute(each)).fetchall() for each in LAYOUT]

    async def empty(self) -> "InPostgres":
        return InPostgres(self.other_url, self.url)

    def store(self) -> PostgresStore:
        return PostgresStore(self.url)

    @asynccontextmanager
    async def _open(self) -> AsyncIterator[psycopg.AsyncConnection[Any]]:
        async with await psycopg.AsyncConnection.connect(self.url, autocommit=True) as connection:
            yield connection


Schema = InSqlite | InPostgres


@pytest.fixture(params=["sqlite", "postgres"])
async def schema(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Schema]:
    if request.param == "sqlite":
        yield InSqlite(tmp_path / "kiwisms.db")
        return
    async with bare_database() as url, bare_database() as other_url:
        yield InPostgres(url, other_url)


@pytest.mark.parametrize("version", VERSIONS)
async def test_what_was_stored_in_any_version_is_read_in_the_newest(
    schema: Schema, version: int
) -> None:
    steps = schema.steps[:version]
    await schema.migrate(steps)
    assert await schema.version() == len(steps)
    has_places = isinstance(schema, InPostgres) and version >= PLACES_SINCE
    await schema.run((IN_A_PLACE if has_places else FILL).replace("AT", schema.at))
    await schema.migrate(schema.steps)
    async with schema.store() as store:
        await store.check()
        assert await store.wallet(ADA) == wallet(cents(961), cents(39), 2)
        [books] = [each async for each in store.books()]
        assert (len(books.transfers), len(books.rentals)) == (2, 1)
        assert list(audit(books)) == []
        [webhook] = await store.webhooks(ADA)
        assert (webhook.events, webhook.low) == (DEFAULT_EVENTS, None)
        [delivery] = await store.deliveries(ADA, limit=9)
        assert (delivery.last_error, delivery.failures) == ("HTTP 500", ())
        [incident] = await store.incidents(open_only=True, limit=9)
        assert (incident.kind, incident.detail) == (IncidentKind.ANSWER_LOST, "lost")
        assert (incident.price, incident.activation_id) == (cents(39), "9")
        assert incident.unanswered == 0
    fresh = await schema.empty()
    await fresh.migrate(fresh.steps)
    assert await schema.layout() == await fresh.layout()


async def test_who_had_one_number_before_that_was_refused_both_keep_it(schema: Schema) -> None:
    numbers = next(at for at, step in enumerate(schema.steps) if "shares_number" in step)
    await schema.migrate(schema.steps[:numbers])
    await schema.run(FIRST.replace("AT", schema.at))
    await schema.run(FIRST.replace("AT", schema.at).replace(ADA, BOB).replace("ada@", "bob@"))
    await schema.migrate(schema.steps)
    async with schema.store() as store:
        ada, bob = sorted(
            await store.rentals(account_id=None, state=State.WAITING, limit=9),
            key=lambda each: each.account_id,
        )
        for rental in (ada, bob):
            await save(store, evolve(rental, phone="12025550199"))
        third = evolve(bob, id=RentalId("r-2"))
        with pytest.raises(NumberTaken):
            await save(store, third)
        await save(store, ada.cancel(ada.created_at))
        await save(store, third)


async def save(store: Store, rental: Rental) -> None:
    async with store.transaction(rental.account_id) as tx:
        tx.save(rental)


async def test_a_step_is_applied_once_and_in_its_order(schema: Schema) -> None:
    steps = [
        "CREATE TABLE one (a integer PRIMARY KEY);",
        "INSERT INTO one VALUES (1);\nALTER TABLE one ADD COLUMN b integer;",
        "UPDATE one SET b = a + 1;\nCREATE INDEX one_b ON one (b);",
    ]
    await schema.migrate(steps[:1])
    await schema.migrate(steps)
    await schema.migrate(steps)
    assert await schema.version() == 3
    fresh = await schema.empty()
    await fresh.migrate(steps)
    assert await schema.layout() == await fresh.layout()
    await fresh.run("ALTER TABLE one ADD COLUMN c integer")
    assert await schema.layout() != await fresh.layout()


async def test_a_step_that_fails_takes_all_back(schema: Schema) -> None:
    await schema.migrate(schema.steps)
    before = await schema.layout()
    with pytest.raises((sqlite3.Error, psycopg.Error)):
        await schema.migrate([*schema.steps, "CREATE TABLE whole (a integer);", BROKEN])
    assert await schema.version() == len(schema.steps)
    assert await schema.layout() == before


async def test_a_schema_of_the_future_is_refused(schema: Schema) -> None:
    await schema.migrate([*schema.steps, "CREATE TABLE later (a integer PRIMARY KEY);"])
    newest = len(schema.steps)
    with pytest.raises(SchemaMismatch, match=f"schema {newest + 1}.* newer kiwisms"):
        await schema.migrate(schema.steps)
    with pytest.raises(SchemaMismatch, match=f"schema {newest + 1}.* newer kiwisms"):
        await schema.store().__aenter__()


async def test_a_running_process_keeps_working_when_a_newer_one_migrates(schema: Schema) -> None:
    await schema.migrate(schema.steps)
    async with schema.store() as store:
        await schema.migrate([*schema.steps, "CREATE TABLE later (a integer PRIMARY KEY);"])
        assert await store.schema_version() == len(schema.steps) + 1
        await store.check()


async def test_a_store_without_a_schema_says_what_to_do(schema: Schema) -> None:
    async with schema.store() as store:
        assert await store.schema_version() == 0
        with pytest.raises(SchemaMismatch, match="run `kiwisms migrate`"):
            await store.check()


async def test_many_may_migrate_at_once(schema: Schema) -> None:
    async def migrate() -> None:
        async with schema.store() as store:
            await store.migrate()
            await store.check()

    await asyncio.gather(*(migrate() for _ in range(5)))
    assert await schema.version() == len(schema.steps)
