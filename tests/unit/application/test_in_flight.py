"""Calls in flight run to their end; nothing is lost with their caller."""

import asyncio
import logging

import pytest

from kiwisms.application.in_flight import InFlight
from kiwisms.domain.errors import KiwismsError, Unauthorized
from kiwisms.ports.store import StoreUnavailable


class Work:
    """A piece of work that begins, waits until it may go on, and ends in a result or an error."""

    def __init__(self, error: BaseException | None = None) -> None:
        self.began, self.may_end, self.has_ended = asyncio.Event(), asyncio.Event(), False
        self._error = error

    async def do(self) -> int:
        self.began.set()
        await self.may_end.wait()
        self.has_ended = True
        if self._error is not None:
            raise self._error
        return 42


async def left(calls: InFlight, work: Work) -> None:
    """Begin *work*, and cancel whoever called for it."""
    caller = asyncio.create_task(calls.run(work.do()))
    await work.began.wait()
    caller.cancel()
    with pytest.raises(asyncio.CancelledError):
        await caller


async def test_the_caller_gets_the_result() -> None:
    work = Work()
    work.may_end.set()
    assert await InFlight().run(work.do()) == 42


async def test_the_caller_gets_the_error() -> None:
    work = Work(Unauthorized())
    work.may_end.set()
    with pytest.raises(Unauthorized):
        await InFlight().run(work.do())


async def test_a_call_goes_on_without_its_caller() -> None:
    calls, work = InFlight(), Work()
    await left(calls, work)
    assert not work.has_ended
    work.may_end.set()
    await calls.drain()
    assert work.has_ended


async def test_draining_waits_for_nothing_when_nothing_is_in_flight() -> None:
    await InFlight().drain()


async def test_no_call_begins_once_they_are_drained() -> None:
    calls, work = InFlight(), Work()
    await calls.drain()
    with pytest.raises(StoreUnavailable):
        await calls.run(work.do())
    assert not work.began.is_set()


@pytest.mark.parametrize(
    ("error", "level"), [(Unauthorized(), logging.INFO), (KeyError("x"), logging.ERROR)]
)
async def test_an_error_that_nobody_awaits_is_logged(
    error: KiwismsError | KeyError, level: int, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    calls, work = InFlight(), Work(error)
    await left(calls, work)
    work.may_end.set()
    await calls.drain()
    await asyncio.sleep(0)
    assert [record.levelno for record in caplog.records] == [level]


async def test_a_call_that_is_cancelled_itself_is_no_error(
    caplog: pytest.LogCaptureFixture,
) -> None:
    calls, work = InFlight(), Work(asyncio.CancelledError())
    await left(calls, work)
    work.may_end.set()
    await calls.drain()
    assert not caplog.records
