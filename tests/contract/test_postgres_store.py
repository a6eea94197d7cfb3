"""What only a server can do: be shared, be lost, come back, and fail over."""

import asyncio
import signal
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from typing import Final, TypeVar

import psycopg
import pytest
from attrs import evolve

from kiwisms.adapters.local_notices import LocalNotices
from kiwisms.adapters.postgres import PostgresNotices, PostgresStore, connections
from kiwisms.adapters.postgres.statements import schema
from kiwisms.adapters.system import SystemClock
from kiwisms.domain.errors import ValidationRefused
from kiwisms.domain.ids import AccountId, RentalId
from kiwisms.domain.money import ZERO, Money, cents
from kiwisms.domain.wallet import Wallet
from kiwisms.ports.store import Store, StoreUnavailable
from kiwisms.ports.transaction import Fact, TransactionConflict
from tests.contract.stores import ADA, BOB, account, transfer, waiting, wallet
from tests.postgres import Server, database, running

T = TypeVar("T")
SOON: Final = 20.0
WRITE_FOR_EVER: Final = """
import asyncio, sys
from attrs import evolve
from kiwisms.adapters.postgres import PostgresStore
from tests.contract.stores import ADA, transfer

async def main():
    async with PostgresStore(sys.argv[1]) as store:
        for number in range(1, 1_000_000):
            async with store.transaction(ADA) as tx:
                wallet = await tx.wallet()
                tx.save(transfer(number, f"credit:{number}"), evolve(wallet, transfers=number))
            print(number, flush=True)

asyncio.run(main())
"""


@pytest.fixture
async def url() -> AsyncIterator[str]:
    async with database() as given:
        yield given


@pytest.fixture
def server() -> Iterator[Server]:
    with running() as given:
        yield given


@asynccontextmanager
async def filled(url: str, pool: int = 10) -> AsyncIterator[PostgresStore]:
    """Open a store that knows Ada and Bob."""
    async with PostgresStore(url, pool=pool) as store:
        await store.migrate()
        await store.create_account(account())
        await store.create_account(account(BOB, "bob@example.com"))
        yield store


@pytest.fixture
async def store(url: str) -> AsyncIterator[PostgresStore]:
    async with filled(url) as opened:
        yield opened


async def add_one(store: Store, account_id: AccountId = ADA) -> None:
    async with store.transaction(account_id) as tx:
        before = await tx.wallet()
        tx.save(evolve(before, transfers=before.transfers + 1))


async def added(store: Store, account_id: AccountId = ADA) -> int:
    found = await store.wallet(account_id)
    assert found is not None
    return found.transfers


async def once_it_is_back(act: Callable[[], Awaitable[T]]) -> T:
    """Try until the store can be used again; each failure is a clear one."""
    async with asyncio.timeout(SOON):
        while True:
            try:
                return await act()
            except StoreUnavailable:
                await asyncio.sleep(0.05)


async def end_connections(url: str) -> None:
    """End all connections of others, and wait until their processes in the server are gone."""
    async with await psycopg.AsyncConnection.connect(url, autocommit=True) as admin:
        ended = await admin.execute(
            "SELECT pg_terminate_backend(pid, 20000) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
        assert all(is_gone for (is_gone,) in await ended.fetchall())


@asynccontextmanager
async def row_locked(url: str) -> AsyncIterator[None]:
    """Hold the lock on Ada's wallet from another connection."""
    async with await psycopg.AsyncConnection.connect(url) as other:
        await other.execute("SELECT FROM wallet WHERE account_id = %s FOR UPDATE", (ADA,))
        yield


def with_lock_timeout(url: str, timeout: str) -> str:
    return f"{url}{'&' if '?' in url else '?'}options=-c%20lock_timeout%3D{timeout}"


async def until_it_waits(task: asyncio.Task[None], url: str, milliseconds: int = 0) -> None:
    """Ask the server until *task*, which must not end, has waited so long there for a lock."""
    async with (
        await psycopg.AsyncConnection.connect(url, autocommit=True) as admin,
        asyncio.timeout(SOON),
    ):
        while not await waiting_for_a_lock(admin, milliseconds):
            assert not task.done()


async def waiting_for_a_lock(admin: psycopg.AsyncConnection, milliseconds: int) -> int:
    """How many connections of this database have waited so long for a lock."""
    found = await admin.execute(
        "SELECT FROM pg_locks JOIN pg_stat_activity USING (pid)"
        " WHERE datname = current_database()"
        " AND waitstart <= clock_timestamp() - %s * interval '1 ms'",
        (milliseconds,),
    )
    return found.rowcount


async def write_first(store: Store, by: Store) -> None:
    async def lose() -> None:
        async with store.transaction(ADA) as tx:
            await tx.wallet()
            await add_one(by)
            tx.save(wallet(cents(99), ZERO, 9), transfer())

    with pytest.raises(TransactionConflict):
        await lose()


async def crash(store: Store) -> None:
    async with store.transaction(ADA) as tx:
        tx.save(wallet(ZERO, ZERO, 100), waiting())
        raise ZeroDivisionError


async def lose_connection(store: Store, url: str) -> None:
    async with store.transaction(ADA) as tx:
        tx.save(wallet(ZERO, ZERO, 9), waiting())
        await end_connections(url)


# Shared.


async def test_a_conflict_writes_nothing(url: str, store: PostgresStore) -> None:
    async with PostgresStore(url) as other:
        await write_first(store, other)
    assert await store.wallet(ADA) == Wallet(account_id=ADA, transfers=1)
    assert await store.transfers(ADA) == []


async def test_after_a_conflict_an_account_goes_before_the_others(
    url: str, store: PostgresStore
) -> None:
    async with PostgresStore(url) as other:
        await write_first(store, other)
        async with store.transaction(ADA) as tx:
            waits = asyncio.create_task(add_one(other))
            await until_it_waits(waits, url)
            tx.save(wallet(ZERO, ZERO, 100))
        with pytest.raises(TransactionConflict):
            await waits
        assert await added(store) == 100


async def test_what_goes_before_the_others_leaves_no_trace_of_a_crash(
    url: str, store: PostgresStore
) -> None:
    async with PostgresStore(url) as other:
        await write_first(store, other)
        with pytest.raises(ZeroDivisionError):
            await crash(store)
        async with store.transaction(ADA):
            pass
        await add_one(other)
    assert await added(store) == 2
    assert await store.rental(ADA, RentalId("r-1")) is None


async def test_another_account_has_no_conflict(url: str, store: PostgresStore) -> None:
    async with PostgresStore(url) as other, store.transaction(BOB) as tx:
        await add_one(other)
        tx.save(wallet(cents(1), ZERO, 1, BOB))
    assert await store.wallet(BOB) == wallet(cents(1), ZERO, 1, BOB)


async def test_waiting_for_an_account_takes_no_connection(url: str) -> None:
    async with filled(url, pool=2) as store, asyncio.timeout(SOON):
        async with store.transaction(ADA):
            crowd = [asyncio.create_task(add_one(store)) for _ in range(20)]
            await asyncio.sleep(0)  # each goes as far as it can without an answer
            await add_one(store, BOB)
        await asyncio.gather(*crowd)
        assert await added(store) == 20


async def test_no_connection_in_time_is_an_error(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connections, "LONGEST_WAIT_SECONDS", 0.1)
    async with filled(url, pool=1) as store:
        async with store.transaction(ADA):
            with pytest.raises(StoreUnavailable, match="could not be reached in time"):
                await store.wallet(BOB)
        assert await added(store, BOB) == 0


@pytest.mark.parametrize("prepare", [True, False])
async def test_statements_are_prepared_unless_that_is_off(url: str, prepare: bool) -> None:
    async with PostgresStore(url, pool=1, prepare=prepare) as store:
        await store.create_account(account())
        for _ in range(7):
            await add_one(store)
        assert await added(store) == 7
        rows = await store.connections.read_all("SELECT statement FROM pg_prepared_statements")
        assert bool(rows) is prepare


async def test_what_cannot_be_written_is_refused_alone(store: PostgresStore) -> None:
    async def save(fact: Fact) -> None:
        async with store.transaction(ADA) as tx:
            tx.save(fact)

    for wrong in (
        evolve(transfer(), amount=Money(2**63)),
        evolve(transfer(), reason="\ud800"),
        evolve(transfer(), reason="\0"),
        evolve(waiting(), cost=Money(-1)),
    ):
        with pytest.raises(StoreUnavailable, match="refused the write"):
            await save(wrong)
    assert await store.transfers(ADA) == []
    assert await store.rental(ADA, RentalId("r-1")) is None


async def test_a_wait_for_a_lock_ends(url: str) -> None:
    hasty = with_lock_timeout(url, "100ms")
    async with filled(url) as store, PostgresStore(hasty) as other, row_locked(url):
        with pytest.raises(StoreUnavailable, match="lock timeout"):
            await add_one(other)
        assert await added(store) == 0


async def test_a_second_migration_waits_for_the_first_however_long_it_takes(url: str) -> None:
    hasty = with_lock_timeout(url, "1ms")
    async with (
        PostgresStore(hasty) as store,
        await psycopg.AsyncConnection.connect(url) as other,
        asyncio.timeout(SOON),
    ):
        await other.execute(schema.LOCK_SCHEMA.encode())
        waits = asyncio.create_task(store.migrate())
        await until_it_waits(waits, url, milliseconds=50)
        await other.rollback()
        await waits


# Cancelled.


async def test_a_caller_cancelled_in_its_commit_keeps_the_account_until_that_is_over(
    url: str, store: PostgresStore
) -> None:
    async with row_locked(url):
        cancelled = asyncio.create_task(add_one(store))
        await until_it_waits(cancelled, url)
        for _ in range(3):
            cancelled.cancel()
            assert await added(store) == 0
        assert not cancelled.done()
        after = asyncio.create_task(add_one(store))
        # In this time it would have read the account too, if that were free.
        for _ in range(3):
            assert await added(store) == 0
    with pytest.raises(asyncio.CancelledError):
        await cancelled
    await after
    assert await added(store) == 2


async def test_callers_cancelled_anywhere_leave_every_connection_usable(url: str) -> None:
    async with filled(url, pool=2) as store, asyncio.timeout(SOON):
        for step in range(60):
            task = asyncio.create_task(add_one(store))
            for _ in range(step % 15):
                await asyncio.sleep(0)
            await asyncio.sleep(0.0001 * (step % 7))
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
        before = await added(store)
        await asyncio.gather(*(add_one(store) for _ in range(10)))
        assert await added(store) == before + 10


# Lost.


async def test_connections_that_ended_while_idle_are_replaced_unseen(
    url: str, store: PostgresStore
) -> None:
    await asyncio.gather(*(add_one(store, each) for each in (ADA, BOB)))
    await end_connections(url)
    async with asyncio.timeout(SOON):
        await asyncio.gather(*(add_one(store, each) for each in (ADA, BOB)))
    assert (await added(store), await added(store, BOB)) == (2, 2)


async def test_a_connection_that_ends_in_a_transaction_leaves_no_trace(
    url: str, store: PostgresStore
) -> None:
    with pytest.raises(StoreUnavailable, match="refused the write: "):
        await lose_connection(store, url)
    await once_it_is_back(lambda: add_one(store))
    assert await added(store) == 1


async def test_a_server_that_comes_back_is_used_again(server: Server) -> None:
    async with filled(server.url()) as store:
        await asyncio.gather(*(add_one(store, each) for each in (ADA, BOB)))
        server.stop("immediate")
        with pytest.raises(StoreUnavailable):
            await store.wallet(ADA)
        server.start()
        await once_it_is_back(lambda: add_one(store))
        assert await added(store) == 2


async def test_the_new_primary_is_found_and_has_all_that_was_acknowledged(server: Server) -> None:
    standby = server.copy("standby")
    standby.start()
    try:
        async with await psycopg.AsyncConnection.connect(server.url(), autocommit=True) as admin:
            await admin.execute("ALTER SYSTEM SET synchronous_standby_names = '*'")
            await admin.execute("SELECT pg_reload_conf()")
        both = (
            f"postgresql://postgres@/postgres?host={server.folder},{standby.folder}"
            "&target_session_attrs=read-write"
        )
        async with filled(both) as store:
            for _ in range(5):
                await add_one(store)
            server.stop("immediate")
            standby.promote()
            await once_it_is_back(lambda: add_one(store))
            assert await added(store) == 6
            await store.check()
    finally:
        standby.stop("immediate")


async def test_a_standby_says_that_it_cannot_be_written(server: Server) -> None:
    async with filled(server.url()):
        standby = server.copy("reader")
        standby.start()
        try:
            async with PostgresStore(standby.url()) as store:
                with pytest.raises(StoreUnavailable, match="can only be read"):
                    await store.check()
                with pytest.raises(StoreUnavailable, match="read-only"):
                    await add_one(store)
        finally:
            standby.stop("immediate")


async def test_all_that_was_acknowledged_outlives_a_kill_of_both(server: Server) -> None:
    async with filled(server.url()):
        pass
    writer = await asyncio.create_subprocess_exec(
        sys.executable, "-c", WRITE_FOR_EVER, server.url(), stdout=asyncio.subprocess.PIPE
    )
    assert writer.stdout is not None
    acknowledged = [int(await writer.stdout.readline()) for _ in range(25)]
    writer.kill()
    server.stop("immediate")
    acknowledged += [int(line) for line in (await writer.stdout.read()).splitlines()]
    assert await writer.wait() == -signal.SIGKILL
    server.start()
    async with PostgresStore(server.url()) as store:
        transfers = await store.transfers(ADA)
        assert len(transfers) >= len(acknowledged) == acknowledged[-1]
        assert await store.wallet(ADA) == Wallet(account_id=ADA, transfers=len(transfers))


@pytest.mark.parametrize(
    "address",
    [
        "postgresql://u:hunter2@127.0.0.1:1/d",
        "postgresql://u:hunter2@nowhere.invalid/d",
        "postgresql:///d?host=/nowhere&password=hunter2",
    ],
)
async def test_an_unreachable_server_is_reported_without_the_password(address: str) -> None:
    with pytest.raises(StoreUnavailable, match="refused the connection: ") as refused:
        await PostgresStore(address).__aenter__()
    assert "hunter2" not in str(refused.value)


def test_an_invalid_address_is_reported_without_the_password() -> None:
    with pytest.raises(ValidationRefused, match="not a Postgres URL") as refused:
        PostgresStore("postgresql://u:hunter2@h/d?colour=red")
    assert "hunter2" not in str(refused.value)


# Notices between processes.


async def test_a_notice_reaches_every_other_process(url: str) -> None:
    async with (
        PostgresStore(url) as here,
        PostgresStore(url) as there,
        PostgresNotices(here, LocalNotices(SystemClock())) as speaker,
        PostgresNotices(there, LocalNotices(SystemClock())) as listener,
        asyncio.timeout(SOON),
    ):
        await _until_heard(speaker, listener)
        await end_connections(url)
        await _until_heard(speaker, listener)


async def _until_heard(speaker: PostgresNotices, listener: PostgresNotices) -> None:
    """Notify again and again: a notice before the other side listens is lost."""
    waits = asyncio.create_task(listener.wait("r-1", 3600))
    while not waits.done():
        speaker.notify("r-1")
        await asyncio.sleep(0.05)


async def test_notify_never_fails_nor_waits(server: Server) -> None:
    async with (
        PostgresStore(server.url()) as store,
        PostgresNotices(store, LocalNotices(SystemClock())) as notices,
        asyncio.timeout(SOON),
    ):
        server.stop("immediate")
        waits = asyncio.create_task(notices.wait("r-1", 3600))
        await asyncio.sleep(0)
        for number in range(1000):
            notices.notify(f"r-{number}")
        await waits
