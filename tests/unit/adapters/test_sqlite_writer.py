"""Group commit: one fsync for all who wait, and a failure for those alone who caused it."""

import asyncio
import logging
import sqlite3
from collections.abc import AsyncIterator, Callable
from contextlib import closing
from pathlib import Path

import pytest

from kiwisms.adapters.sqlite.writer import Writer
from kiwisms.domain.errors import KiwismsError
from kiwisms.ports.store import StoreUnavailable

ADD = "INSERT INTO word (text) VALUES (?)"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "words.db"


@pytest.fixture
async def writer(path: Path) -> AsyncIterator[Writer]:
    async with Writer(path) as opened:
        await opened.write(
            lambda connection: connection.execute(
                "CREATE TABLE word (text TEXT NOT NULL UNIQUE) STRICT"
            )
        )
        yield opened


async def add(writer: Writer, *words: str) -> int:
    def insert(connection: sqlite3.Connection) -> int:
        for word in words:
            connection.execute(ADD, (word,))
        return len(words)

    return await writer.write(insert)


def words(path: Path) -> list[str]:
    with closing(sqlite3.connect(path)) as connection:
        return [word for (word,) in connection.execute("SELECT text FROM word ORDER BY text")]


async def test_who_waits_together_shares_one_commit(path: Path, writer: Writer) -> None:
    statements: list[str] = []
    await writer.write(lambda connection: connection.set_trace_callback(statements.append))
    outcomes = await asyncio.gather(*(add(writer, f"{number:02}") for number in range(32)))
    assert outcomes == [1] * 32
    assert statements.count("COMMIT") <= 2
    assert words(path) == [f"{number:02}" for number in range(32)]


async def test_a_failure_takes_back_its_own_unit_alone(path: Path, writer: Writer) -> None:
    outcomes = await asyncio.gather(
        add(writer, "a"), add(writer, "b", "a"), add(writer, "c"), return_exceptions=True
    )
    assert outcomes[0] == outcomes[2] == 1
    assert isinstance(outcomes[1], StoreUnavailable)
    assert words(path) == ["a", "c"]


async def test_an_error_of_ours_comes_back_as_it_is(path: Path, writer: Writer) -> None:
    class Outrun(KiwismsError):
        pass

    def lose(connection: sqlite3.Connection) -> None:
        connection.execute(ADD, ("lost",))
        raise Outrun

    with pytest.raises(Outrun):
        await writer.write(lose)
    assert words(path) == []


async def test_a_full_disk_loses_the_group_and_nothing_else(
    path: Path, writer: Writer, caplog: pytest.LogCaptureFixture
) -> None:
    await add(writer, "before")
    await writer.write(lambda connection: connection.execute("PRAGMA max_page_count = 4"))
    with caplog.at_level(logging.CRITICAL):
        outcomes = await asyncio.gather(
            add(writer, "beside"), add(writer, "x" * 50_000), return_exceptions=True
        )
    assert isinstance(outcomes[1], StoreUnavailable)
    assert "full" in str(outcomes[1])
    assert outcomes[0] == 1 or isinstance(outcomes[0], StoreUnavailable)
    assert words(path) == (["before", "beside"] if outcomes[0] == 1 else ["before"])
    await writer.write(lambda connection: connection.execute("PRAGMA max_page_count = 1000000"))
    assert await add(writer, "after") == 1


async def test_an_error_of_the_work_is_raised_as_it_is_and_fails_no_other_unit(
    path: Path, writer: Writer
) -> None:
    def mistake(connection: sqlite3.Connection) -> None:
        connection.execute(ADD, ("lost",))
        raise ZeroDivisionError

    outcomes = await asyncio.gather(
        add(writer, "a"), writer.write(mistake), add(writer, "b"), return_exceptions=True
    )
    assert outcomes[0] == outcomes[2] == 1
    assert isinstance(outcomes[1], ZeroDivisionError)
    assert words(path) == ["a", "b"]


async def test_an_error_that_no_future_can_hold_fails_no_other_unit(
    path: Path, writer: Writer
) -> None:
    def mistake(_: sqlite3.Connection) -> None:
        next(iter(()))

    outcomes = await asyncio.gather(writer.write(mistake), add(writer, "a"), return_exceptions=True)
    assert isinstance(outcomes[0], RuntimeError)
    assert outcomes[1] == 1
    assert words(path) == ["a"]


class Interrupted(BaseException):
    """What ends a process, such as `KeyboardInterrupt`."""


async def test_an_interruption_fails_the_units_in_progress_and_leaves_none_waiting(
    path: Path, writer: Writer, caplog: pytest.LogCaptureFixture
) -> None:
    def be_interrupted(_: sqlite3.Connection) -> None:
        raise Interrupted

    outcomes = await asyncio.gather(
        add(writer, "a"), writer.write(be_interrupted), return_exceptions=True
    )
    assert [type(each) for each in outcomes] == [StoreUnavailable] * 2
    assert "units_not_acknowledged=2" in caplog.text
    assert await add(writer, "after") == 1
    assert words(path) == ["after"]


@pytest.mark.parametrize("turns", range(6))
async def test_when_the_loop_ends_no_unit_waits_for_ever(path: Path, turns: int) -> None:
    async def write() -> None:
        async with Writer(path) as writer:
            await writer.write(
                lambda connection: connection.execute("CREATE TABLE word (text TEXT) STRICT")
            )
            is_open.set()
            await asyncio.gather(*(add(writer, word) for word in "abc"))

    is_open = asyncio.Event()
    others = asyncio.all_tasks()
    writes = asyncio.create_task(write())
    await is_open.wait()
    for _ in range(turns):
        await asyncio.sleep(0)
    for task in asyncio.all_tasks() - others:
        task.cancel()  # as asyncio.run does
    await asyncio.wait([writes], timeout=5)
    assert writes.done()
    assert words(path) in ([], ["a", "b", "c"])


async def test_when_the_loop_ends_what_waits_for_a_lock_is_still_written(
    path: Path, writer: Writer
) -> None:
    others = asyncio.all_tasks()
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        waits = asyncio.create_task(add(writer, "a"))
        await asyncio.sleep(0)
        for task in asyncio.all_tasks() - others:
            task.cancel()
        other.execute("COMMIT")
        await asyncio.wait([waits], timeout=5)
        assert waits.cancelled()
    assert words(path) == ["a"]


async def test_who_is_cancelled_twice_learns_it_after_the_commit_too(
    path: Path, writer: Writer
) -> None:
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        task = asyncio.create_task(add(writer, "a"))
        for _ in range(2):
            await asyncio.sleep(0)
            task.cancel()
        await asyncio.sleep(0)
        assert not task.done()
        other.execute("COMMIT")
        with pytest.raises(asyncio.CancelledError):
            await task
    assert words(path) == ["a"]


async def test_a_lock_that_is_never_released_is_an_error(
    path: Path, writer: Writer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("kiwisms.adapters.sqlite.writer.LOCK_SECONDS", 0.01)
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(StoreUnavailable, match="locked"):
            await add(writer, "a")
        other.execute("COMMIT")
    assert await add(writer, "a") == 1


async def test_who_is_cancelled_learns_it_after_the_commit(path: Path, writer: Writer) -> None:
    task = asyncio.create_task(add(writer, "a"))
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert words(path) == ["a"]


async def test_leaving_finishes_what_is_under_way(path: Path) -> None:
    async with Writer(path) as writer:
        await writer.write(
            lambda connection: connection.execute("CREATE TABLE word (text TEXT) STRICT")
        )
        task = asyncio.create_task(add(writer, "a"))
        await asyncio.sleep(0)
    assert await task == 1
    assert words(path) == ["a"]


async def test_the_file_is_used_as_promised(writer: Writer) -> None:
    def look(connection: sqlite3.Connection) -> list[object]:
        pragmas = ("journal_mode", "synchronous", "foreign_keys")
        return [connection.execute(f"PRAGMA {each}").fetchone()[0] for each in pragmas]

    full = 2
    assert await writer.write(look) == ["wal", full, 1]


def remove(path: Path) -> None:
    path.unlink()


def replace(path: Path) -> None:
    other = path.with_name("other.db")
    other.touch()
    other.rename(path)


@pytest.mark.parametrize("harm", [remove, replace])
async def test_nothing_is_acknowledged_once_the_file_is_removed_or_replaced(
    path: Path, writer: Writer, harm: Callable[[Path], None]
) -> None:
    await add(writer, "a")
    harm(path)
    with pytest.raises(StoreUnavailable, match="removed or replaced"):
        await add(writer, "b")
