"""How workers are watched, with workers that do as a test wants; e2e has the real ones."""

import asyncio
import logging
import os
import signal
from collections.abc import Callable
from functools import partial
from multiprocessing.connection import Connection
from pathlib import Path

import click
import pytest

from kiwisms.domain.errors import ValidationRefused
from kiwisms.entrypoints.cli.supervisor import Supervisor, Work, run_worker
from tests.e2e.cli import programs

Up = Callable[[], None]


async def obey(up: Up, stop: asyncio.Event) -> None:
    up()
    await stop.wait()


async def ignore(up: Up, _stop: asyncio.Event) -> None:
    up()
    await asyncio.sleep(3600)


async def refuse(_up: Up, _stop: asyncio.Event) -> None:
    raise ValidationRefused("KIWISMS_X", "is not good")


async def break_down(_up: Up, _stop: asyncio.Event) -> None:
    raise ZeroDivisionError


async def crash(_up: Up, _stop: asyncio.Event) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def obedient(_number: int, line: Connection) -> None:
    run_worker(obey, line)


def deaf(_number: int, line: Connection) -> None:
    run_worker(ignore, line)


def refusing(number: int, line: Connection) -> None:
    run_worker(refuse if number else obey, line)


def breaking(_number: int, line: Connection) -> None:
    run_worker(break_down, line)


def crashing(_number: int, line: Connection) -> None:
    run_worker(crash, line)


def mortal(lives: Path, _number: int, line: Connection) -> None:
    """Be up at first, then be refused, and then be up for good."""
    with lives.open("a") as book:
        book.write(".")
    life = len(lives.read_text())

    async def live(up: Up, stop: asyncio.Event) -> None:
        if life == 2:
            raise ValidationRefused("KIWISMS_X", "is away")
        up()
        if life == 1:
            os.kill(os.getpid(), signal.SIGKILL)
        await stop.wait()

    run_worker(live, line)


async def watch(
    work: Work,
    *,
    count: int = 2,
    drain_seconds: float = 20,
    until: Callable[[list[str]], bool] = bool,
) -> list[str]:
    """Run workers until what has happened is enough, by default until all are up."""
    stop, events = asyncio.Event(), list[str]()

    async def stop_then() -> None:
        await programs.until(lambda: asyncio.sleep(0, events), until)
        stop.set()

    stopping = asyncio.create_task(stop_then())
    try:
        await Supervisor(
            work=work,
            count=count,
            drain_seconds=drain_seconds,
            when_up=partial(events.append, "up"),
            when_ending=partial(events.append, "ending"),
        ).run(stop)
    finally:
        stopping.cancel()
    return events


async def test_all_come_up_and_end() -> None:
    assert await watch(obedient) == ["up", "ending"]


async def test_the_end_may_come_before_they_are_up() -> None:
    assert await watch(obedient, until=lambda _: True) == ["ending"]


async def test_who_does_not_end_is_killed() -> None:
    with pytest.raises(click.ClickException, match="finished: 2 of 2 workers"):
        await watch(deaf, drain_seconds=0.1)


async def test_one_that_cannot_start_ends_all() -> None:
    with pytest.raises(click.ClickException, match=r"^KIWISMS_X: is not good$"):
        await watch(refusing, count=4, until=lambda _: False)


async def test_one_that_fails_as_nobody_foresaw_ends_all() -> None:
    with pytest.raises(click.ClickException, match="failed unexpectedly"):
        await watch(breaking, count=1, until=lambda _: False)


async def test_who_dies_again_and_again_is_replaced_later_and_later(
    caplog: pytest.LogCaptureFixture,
) -> None:
    assert await watch(crashing, count=1, until=lambda _: len(caplog.messages) == 3) == ["ending"]
    assert [message.rpartition(" in ")[2] for message in caplog.messages] == [
        "0.1 s",
        "0.2 s",
        "0.4 s",
    ]


async def test_one_that_cannot_start_again_is_tried_until_it_can(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    lives = tmp_path / "lives"
    events = await watch(
        partial(mortal, lives),
        count=1,
        until=lambda _: lives.exists() and len(lives.read_text()) == 3,
    )
    assert events == ["up", "ending"]
    died, refused, died_again = caplog.messages
    assert "status -9" in died
    assert refused == "worker 0 cannot start: KIWISMS_X: is away"
    assert "status 1" in died_again
