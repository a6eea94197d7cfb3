"""What only a file can do: be shared, be broken, be old, and outlive its process."""

import asyncio
import signal
import sqlite3
import stat
import sys
from collections.abc import AsyncIterator
from contextlib import closing
from pathlib import Path
from typing import Final

import pytest
from attrs import evolve

from kiwisms.adapters.sqlite import SqliteStore
from kiwisms.adapters.sqlite.migrations import NEWEST, STEPS, migrate
from kiwisms.domain.ids import ActivationId, RentalId
from kiwisms.domain.money import ZERO, Money, cents
from kiwisms.domain.wallet import Wallet
from kiwisms.ports.store import SchemaMismatch, Store, StoreUnavailable
from kiwisms.ports.transaction import Fact, TransactionConflict
from tests.contract.stores import ADA, BOB, account, transfer, waiting, wallet

# Adds transfers as fast as it can, and says each number once it is durable.
WRITE_FOR_EVER: Final = """
import asyncio, sys
from pathlib import Path
from attrs import evolve
from kiwisms.adapters.sqlite import SqliteStore
from tests.contract.stores import ADA, transfer

async def main():
    async with SqliteStore(Path(sys.argv[1])) as store:
        for number in range(1, 1_000_000):
            async with store.transaction(ADA) as tx:
                wallet = await tx.wallet()
                tx.save(transfer(number, f"credit:{number}"), evolve(wallet, transfers=number))
            print(number, flush=True)

asyncio.run(main())
"""
MIGRATE: Final = """
import asyncio, sys
from pathlib import Path
from kiwisms.adapters.sqlite import SqliteStore

async def main():
    async with SqliteStore(Path(sys.argv[1])) as store:
        await store.migrate()
        await store.check()

asyncio.run(main())
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "kiwisms.db"


@pytest.fixture
async def store(path: Path) -> AsyncIterator[SqliteStore]:
    async with SqliteStore(path) as opened:
        await opened.migrate()
        await opened.create_account(account())
        await opened.create_account(account(BOB, "bob@example.com"))
        yield opened


async def run(program: str, path: Path) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        sys.executable, "-c", program, str(path), stdout=asyncio.subprocess.PIPE
    )


async def add_one(store: Store) -> None:
    async with store.transaction(ADA) as tx:
        before = await tx.wallet()
        tx.save(evolve(before, transfers=before.transfers + 1))


async def test_all_is_there_after_opening_again(path: Path, store: SqliteStore) -> None:
    await add_one(store)
    async with SqliteStore(path) as again:
        await again.check()
        assert await again.wallet(ADA) == Wallet(account_id=ADA, transfers=1)


async def test_a_file_may_have_any_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    async with SqliteStore(Path(":memory:")) as store:
        await store.migrate()
        await store.check()


async def test_a_new_file_is_its_owners_alone_and_one_that_is_there_is_left(tmp_path: Path) -> None:
    new, old = tmp_path / "new.db", tmp_path / "old.db"
    old.touch(mode=0o640)
    for path, mode in (new, 0o600), (old, 0o640):
        async with SqliteStore(path) as store:
            await store.migrate()
            assert {stat.S_IMODE(each.stat().st_mode) for each in files(path)} == {mode}


def files(path: Path) -> list[Path]:
    """Name the file of a store, and what SQLite keeps beside it."""
    found = sorted(path.parent.glob(f"{path.name}*"))
    assert len(found) == 3
    return found


async def test_a_conflict_with_another_process_writes_nothing(
    path: Path, store: SqliteStore
) -> None:
    async def write_first(other: Store) -> None:
        async with store.transaction(ADA) as tx:
            await tx.wallet()
            await add_one(other)
            tx.save(wallet(cents(99), ZERO, 9), transfer())

    async with SqliteStore(path) as other:
        with pytest.raises(TransactionConflict):
            await write_first(other)
    assert await store.wallet(ADA) == Wallet(account_id=ADA, transfers=1)
    assert await store.transfers(ADA) == []


async def test_a_rental_that_is_read_again_shows_each_commit_of_whichever_process(
    path: Path, store: SqliteStore
) -> None:
    rental = waiting()
    async with SqliteStore(path) as other:
        for number, writes in enumerate([store, other, store, store, other, other, store]):
            told = evolve(rental, phone=f"1202555{number:04}")
            async with writes.transaction(ADA) as tx:
                tx.save(told)
            every = await asyncio.gather(*(s.rental(ADA, rental.id) for s in [store, other] * 3))
            assert every == [told] * 6


async def test_a_rental_that_is_not_there_is_there_once_it_is_saved(store: SqliteStore) -> None:
    rental = waiting()
    assert await store.rental(ADA, rental.id) is None
    async with store.transaction(ADA) as tx:
        assert await store.rental(ADA, rental.id) is None
        tx.save(rental)
    assert await store.rental(ADA, rental.id) == rental


async def test_another_account_has_no_conflict(path: Path, store: SqliteStore) -> None:
    async with SqliteStore(path) as other, store.transaction(BOB) as tx:
        await add_one(other)
        tx.save(wallet(cents(1), ZERO, 1, BOB))
    assert await store.wallet(BOB) == wallet(cents(1), ZERO, 1, BOB)


async def test_what_another_process_committed_is_seen_at_once(
    path: Path, store: SqliteStore
) -> None:
    async with SqliteStore(path) as other:
        await add_one(other)
        assert await store.wallet(ADA) == Wallet(account_id=ADA, transfers=1)


async def test_all_that_was_acknowledged_outlives_a_kill(path: Path, store: SqliteStore) -> None:
    writer = await run(WRITE_FOR_EVER, path)
    assert writer.stdout is not None
    acknowledged = [int(await writer.stdout.readline()) for _ in range(25)]
    writer.kill()
    acknowledged += [int(line) for line in (await writer.stdout.read()).splitlines()]
    assert await writer.wait() == -signal.SIGKILL
    transfers = await store.transfers(ADA)
    assert len(transfers) >= len(acknowledged) == acknowledged[-1]
    assert await store.wallet(ADA) == Wallet(account_id=ADA, transfers=len(transfers))


async def test_many_processes_may_migrate_at_once(path: Path) -> None:
    processes = [await run(MIGRATE, path) for _ in range(4)]
    assert [await process.wait() for process in processes] == [0] * 4
    async with SqliteStore(path) as store:
        assert await store.schema_version() == NEWEST


async def test_a_new_file_has_no_schema_until_it_is_migrated(path: Path) -> None:
    async with SqliteStore(path) as store:
        assert await store.schema_version() == 0
        with pytest.raises(SchemaMismatch, match="kiwisms migrate"):
            await store.check()
        with pytest.raises(StoreUnavailable, match="no such table"):
            await store.wallet(ADA)
        await store.migrate()
        await store.migrate()
        await store.check()


RENTAL_OF_OLD: Final = """
INSERT INTO rental (
    account_id, id, service, service_name, country, state, price, activation_id, phone, messages,
    created_at, changed_at, expires_at, look_after, due_at)
VALUES (?, 'r-1', 'go', 'Google', '187', 'WAITING', 390000, '9r-1', '12025550123', '[]',
    1, 2, 3, 4, 5)
"""


async def test_what_was_written_under_the_first_schema_is_kept(path: Path) -> None:
    with closing(sqlite3.connect(path)) as connection:
        migrate(connection, STEPS[:1])
        connection.execute(
            "INSERT INTO account VALUES (?, 'ada@example.com', 'ACTIVE', NULL, NULL, 1)", (ADA,)
        )
        connection.execute("INSERT INTO wallet VALUES (?, 0, 390000, 0, 0)", (ADA,))
        connection.execute(RENTAL_OF_OLD, (ADA,))
        connection.commit()
    async with SqliteStore(path) as store:
        with pytest.raises(SchemaMismatch, match="kiwisms migrate"):
            await store.check()
        await store.migrate()
        kept = await store.find_rental_by_activation(ActivationId("9r-1"))
        assert kept is not None
        assert (kept.id, kept.price, kept.done_at) == ("r-1", cents(39), None)
        await store.check()


async def test_a_schema_of_the_future_is_refused(path: Path) -> None:
    with closing(sqlite3.connect(path)) as connection:
        connection.execute(f"PRAGMA user_version = {NEWEST + 1}")
    with pytest.raises(SchemaMismatch, match=f"schema {NEWEST + 1}.*newer kiwisms"):
        await SqliteStore(path).__aenter__()


@pytest.fixture
def diary(path: Path) -> Path:
    path.write_text("Dear diary, " * 200)
    return path


async def test_what_is_no_database_is_refused_by_its_name(diary: Path) -> None:
    with pytest.raises(StoreUnavailable, match=r"kiwisms\.db cannot be opened: .*not a database"):
        await SqliteStore(diary).__aenter__()
    with pytest.raises(StoreUnavailable, match="cannot be opened"):
        await SqliteStore(diary / "in" / "a file").__aenter__()


async def test_a_writer_waits_while_another_process_has_the_lock(
    path: Path, store: SqliteStore
) -> None:
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        waits = asyncio.create_task(add_one(store))
        for _ in range(50):
            await asyncio.sleep(0)
        assert not waits.done()
        assert await store.wallet(ADA) == Wallet(account_id=ADA)
        other.execute("COMMIT")
        await waits
    assert await store.wallet(ADA) == Wallet(account_id=ADA, transfers=1)


async def test_what_cannot_be_written_is_refused_alone(store: SqliteStore) -> None:
    async def save(fact: Fact) -> None:
        async with store.transaction(ADA) as tx:
            tx.save(fact)

    with pytest.raises(StoreUnavailable):
        await save(evolve(transfer(), amount=Money(2**63)))
    with pytest.raises(StoreUnavailable):
        await save(evolve(transfer(), reason="\ud800"))
    with pytest.raises(StoreUnavailable, match="CHECK"):
        await save(evolve(waiting(), cost=Money(-1)))
    assert await store.transfers(ADA) == []
    assert await store.rental(ADA, RentalId("r-1")) is None


OF_THE_OPERATOR = {"pushed_message": "id", "balance_reading": "at"}


@pytest.mark.usefixtures("store")
def test_each_table_is_strict_and_keyed_by_its_account(path: Path) -> None:
    with closing(sqlite3.connect(path)) as connection:
        tables = connection.execute("PRAGMA table_list").fetchall()
        ours = [name for _, name, kind, _, _, _ in tables if not name.startswith("sqlite_")]
        assert len(ours) == 11 + len(OF_THE_OPERATOR)
        assert all(strict for _, name, _, _, _, strict in tables if name in ours)
        for table in ours:
            columns = connection.execute(f"PRAGMA table_info({table})").fetchall()
            (first,) = [name for _, name, _, _, _, place in columns if place == 1]
            assert first == OF_THE_OPERATOR.get(table, "account_id")


async def test_a_check_writes_as_only_that_shows_a_full_disk(
    path: Path, store: SqliteStore
) -> None:
    with closing(sqlite3.connect(path)) as other:
        before = other.execute("PRAGMA data_version").fetchone()
        await store.check()
        assert other.execute("PRAGMA data_version").fetchone() != before
        assert other.execute("PRAGMA user_version").fetchone() == (NEWEST,)
