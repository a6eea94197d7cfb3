"""What the guard lets through, what it answers itself, and how it finds out that all is well."""

import asyncio
import logging
from collections.abc import AsyncIterator

import pytest
from attrs import define, evolve, field

from kiwisms.adapters.guarded_provider import GuardedProvider
from kiwisms.adapters.guarded_provider.breaker import TRANSITIONS, Breaker, Event
from kiwisms.domain.catalog import Catalog, CountryCode, ServiceCode
from kiwisms.domain.ids import ActivationId
from kiwisms.domain.money import Money
from kiwisms.domain.transitions import TransitionRefused
from kiwisms.entrypoints.settings import Settings
from kiwisms.entrypoints.wiring.providers import open_provider
from kiwisms.ports.guard import Circuit, Rejection, Watched
from kiwisms.ports.provider import (
    NumberOrder,
    Refusal,
    Refused,
    Rented,
    Unknown,
    Waiting,
)
from kiwisms.testing.clock import ManualClock
from kiwisms.testing.provider import FakeProvider

USA = CountryCode("187")
ORDER = NumberOrder(service=ServiceCode("go"), country=USA, max_cost=Money.parse("0.30"))
NUMBER = ActivationId("1")
LOST = Unknown("lost")
CIRCUIT_OPEN = Unknown("nothing was asked: CIRCUIT_OPEN", asked=False)
NO_PLACE = Unknown("nothing was asked: NO_PLACE", asked=False)
UNREACHABLE = Refused(Refusal.UNREACHABLE)
PAUSE = 5.0


@define
class Diary:
    """A watcher that writes everything down."""

    answers: list[tuple[str, str]] = field(factory=list)
    rejections: list[tuple[str, Rejection]] = field(factory=list)
    circuits: list[Circuit] = field(factory=list)

    def answered(self, call: str, answer: str) -> None:
        self.answers.append((call, answer))

    def rejected(self, call: str, why: Rejection) -> None:
        self.rejections.append((call, why))

    def circuit_changed(self, circuit: Circuit) -> None:
        self.circuits.append(circuit)


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def fake(clock: ManualClock) -> FakeProvider:
    return FakeProvider(clock)


@pytest.fixture
async def guard(fake: FakeProvider, clock: ManualClock) -> AsyncIterator[GuardedProvider]:
    async with GuardedProvider(
        fake, clock, failures=3, pause=PAUSE, places=2, patience=0
    ) as guarded:
        yield guarded


@pytest.fixture
def diary(guard: GuardedProvider) -> Diary:
    watcher = Diary()
    guard.watch(watcher)
    return watcher


async def let_all_run() -> None:
    for _ in range(10):
        await asyncio.sleep(0)


async def break_it(guard: GuardedProvider, fake: FakeProvider) -> None:
    fake.on_look.next(LOST, times=3)
    for _ in range(3):
        await guard.look(NUMBER)
    await let_all_run()  # the probe begins its pause


async def pause(clock: ManualClock) -> None:
    clock.advance(PAUSE)
    await let_all_run()


async def is_open(guard: GuardedProvider) -> bool:
    """Ask for what a healthy upstream never answers."""
    return await guard.look(NUMBER) == CIRCUIT_OPEN


@pytest.mark.parametrize("state", Circuit)
@pytest.mark.parametrize("event", Event)
def test_the_table_is_all_that_can_happen(state: Circuit, event: Event) -> None:
    breaker = Breaker(1)
    breaker.circuit = state
    if (state, event) in TRANSITIONS:
        breaker.turn(event)
        assert breaker.circuit is TRANSITIONS[state, event]
    else:
        with pytest.raises(TransitionRefused):
            breaker.turn(event)


def test_nothing_but_a_probe_closes_what_has_opened() -> None:
    ways = [way for way, after in TRANSITIONS.items() if after is Circuit.CLOSED]
    assert ways == [(Circuit.HALF_OPEN, Event.RECOVER)]


@pytest.mark.parametrize("answer", [LOST, UNREACHABLE])
async def test_failures_in_a_row_open_the_circuit(
    guard: GuardedProvider, fake: FakeProvider, answer: Unknown | Refused
) -> None:
    fake.on_rent.next(answer, times=3)
    for _ in range(3):
        assert not await is_open(guard)
        assert await guard.rent(ORDER) == answer
    # The looks between them were answered, so the failures were not in a row.
    assert not await is_open(guard)
    fake.on_rent.next(answer, times=3)
    for _ in range(3):
        assert await guard.rent(ORDER) == answer
    assert await is_open(guard)


@pytest.mark.parametrize("reason", [reason for reason in Refusal if reason != "UNREACHABLE"])
async def test_a_refusal_is_an_answer_like_any_other(
    guard: GuardedProvider, fake: FakeProvider, reason: Refusal
) -> None:
    refused = Refused(reason)
    fake.on_rent.next(refused, times=10)
    fake.on_look.next(refused, times=10)
    fake.on_cancel.next(refused, times=10)
    for _ in range(10):
        assert await guard.rent(ORDER) == refused
        assert await guard.look(NUMBER) == refused
        assert await guard.cancel(NUMBER) == refused
    assert not await is_open(guard)


async def test_all_calls_count_together(guard: GuardedProvider, fake: FakeProvider) -> None:
    fake.on_rent.next(LOST)
    fake.on_catalog.next(LOST)
    fake.on_cancel.next(LOST)
    await guard.rent(ORDER)
    await guard.catalog(USA)
    assert await guard.cancel(NUMBER) == LOST
    assert await is_open(guard)


async def test_an_open_circuit_answers_at_once_and_asks_nothing(
    guard: GuardedProvider, fake: FakeProvider
) -> None:
    await break_it(guard, fake)
    assert await guard.rent(ORDER) == UNREACHABLE
    assert await guard.renew(NUMBER) == UNREACHABLE
    assert await guard.catalog(USA) == UNREACHABLE
    assert await guard.balance() == UNREACHABLE
    assert await guard.look(NUMBER) == CIRCUIT_OPEN
    assert await guard.finish(NUMBER) == CIRCUIT_OPEN
    assert await guard.cancel(NUMBER) == CIRCUIT_OPEN
    await guard.ask_next(NUMBER)
    assert fake.on_look.calls == 3
    others = (fake.on_rent, fake.on_renew, fake.on_catalog, fake.on_balance, fake.on_finish)
    assert [script.calls for script in (*others, fake.on_cancel, fake.on_ask_next)] == [0] * 7


async def test_one_balance_after_the_pause_closes_it_again(
    guard: GuardedProvider, fake: FakeProvider, clock: ManualClock
) -> None:
    await break_it(guard, fake)
    clock.advance(PAUSE - 0.001)
    await let_all_run()
    assert await is_open(guard)
    assert fake.on_balance.calls == 0
    clock.advance(0.001)
    await let_all_run()
    assert fake.on_balance.calls == 1
    assert isinstance(await guard.rent(ORDER), Rented)
    await pause(clock)
    assert fake.on_balance.calls == 1


async def test_while_a_probe_is_under_way_nothing_else_is_asked(
    guard: GuardedProvider, fake: FakeProvider, clock: ManualClock, diary: Diary
) -> None:
    answered = asyncio.Event()
    fake.on_balance.next(meanwhile=answered.wait)
    await break_it(guard, fake)
    await pause(clock)
    assert diary.circuits[-1] is Circuit.HALF_OPEN
    assert await guard.rent(ORDER) == UNREACHABLE
    await pause(clock)
    assert fake.on_balance.calls == 1
    answered.set()
    await let_all_run()
    assert isinstance(await guard.rent(ORDER), Rented)


async def test_a_probe_that_fails_is_made_again_after_another_pause(
    guard: GuardedProvider, fake: FakeProvider, clock: ManualClock, diary: Diary
) -> None:
    fake.on_balance.next(LOST)
    fake.on_balance.next(UNREACHABLE)
    await break_it(guard, fake)
    for probes in (1, 2):
        await pause(clock)
        assert fake.on_balance.calls == probes
        assert await is_open(guard)
    await pause(clock)
    assert not await is_open(guard)
    opened, probed = Circuit.OPEN, Circuit.HALF_OPEN
    assert diary.circuits == [
        Circuit.CLOSED,
        *(opened, probed) * 3,
        Circuit.CLOSED,
    ]


async def test_a_probe_that_is_refused_shows_that_upstream_is_there(
    guard: GuardedProvider, fake: FakeProvider, clock: ManualClock
) -> None:
    fake.on_balance.next(Refused(Refusal.BAD_KEY))
    await break_it(guard, fake)
    await pause(clock)
    assert not await is_open(guard)


async def test_a_probe_that_raises_is_not_the_last(
    guard: GuardedProvider,
    fake: FakeProvider,
    clock: ManualClock,
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def crash() -> None:
        raise RuntimeError("a provider must not")

    fake.on_balance.next(meanwhile=crash)
    await break_it(guard, fake)
    await pause(clock)
    assert await is_open(guard)
    assert "a provider must not" in caplog.text
    await pause(clock)
    assert not await is_open(guard)


async def test_it_opens_again_after_as_many_failures_as_the_first_time(
    guard: GuardedProvider, fake: FakeProvider, clock: ManualClock
) -> None:
    for _ in range(3):
        await break_it(guard, fake)
        assert await is_open(guard)
        await pause(clock)
        assert not await is_open(guard)


async def test_answers_that_come_after_it_opened_change_nothing(
    guard: GuardedProvider, fake: FakeProvider, clock: ManualClock
) -> None:
    slow = asyncio.Event()
    fake.on_rent.next(meanwhile=slow.wait)
    fake.on_rent.next(LOST, meanwhile=slow.wait)
    calls = [asyncio.create_task(guard.rent(ORDER)) for _ in range(2)]
    await let_all_run()
    await break_it(guard, fake)
    slow.set()
    rented, lost = await asyncio.gather(*calls)
    assert isinstance(rented, Rented)
    assert lost == LOST
    assert await is_open(guard)
    await pause(clock)
    assert not await is_open(guard)


async def test_closing_ends_the_probe(fake: FakeProvider, clock: ManualClock) -> None:
    async with GuardedProvider(fake, clock, failures=3) as guard:
        await break_it(guard, fake)
        assert clock.sleepers == 1
    assert clock.sleepers == 0
    assert len(asyncio.all_tasks()) == 1


async def test_who_finds_no_place_is_answered_like_one_before_an_open_circuit(
    guard: GuardedProvider, fake: FakeProvider
) -> None:
    slow = asyncio.Event()
    fake.on_rent.next(meanwhile=slow.wait, times=2)
    calls = [asyncio.create_task(guard.rent(ORDER)) for _ in range(2)]
    await let_all_run()
    assert await guard.rent(ORDER) == UNREACHABLE
    assert await guard.renew(NUMBER) == UNREACHABLE
    assert await guard.cancel(NUMBER) == NO_PLACE
    assert await guard.finish(NUMBER) == NO_PLACE
    slow.set()
    await asyncio.gather(*calls)
    assert isinstance(await guard.rent(ORDER), Rented)


async def test_looks_rents_and_lists_do_not_take_each_others_places(
    guard: GuardedProvider, fake: FakeProvider
) -> None:
    slow = asyncio.Event()
    rented = await guard.rent(ORDER)
    assert isinstance(rented, Rented)
    fake.on_look.next(meanwhile=slow.wait, times=2)
    looks = [asyncio.create_task(guard.look(rented.activation_id)) for _ in range(2)]
    await let_all_run()
    assert await guard.look(rented.activation_id) == NO_PLACE
    fake.on_rent.next(meanwhile=slow.wait, times=2)
    rents = [asyncio.create_task(guard.rent(ORDER)) for _ in range(2)]
    await let_all_run()
    assert fake.on_rent.calls == 3
    fake.on_catalog.next(meanwhile=slow.wait)
    lists = asyncio.create_task(guard.catalog(USA))
    await let_all_run()
    assert isinstance(await guard.balance(), Money)
    slow.set()
    assert await asyncio.gather(*looks) == [Waiting()] * 2
    assert all(isinstance(each, Rented) for each in await asyncio.gather(*rents))
    assert isinstance(await lists, Catalog)


async def test_who_waits_gets_the_place_that_is_left(
    fake: FakeProvider, clock: ManualClock
) -> None:
    slow = asyncio.Event()
    async with GuardedProvider(fake, clock, places=1, patience=60) as guard:
        fake.on_rent.next(meanwhile=slow.wait)
        calls = [asyncio.create_task(guard.rent(ORDER)) for _ in range(3)]
        await let_all_run()
        assert fake.on_rent.calls == 1
        slow.set()
        assert all(isinstance(each, Rented) for each in await asyncio.gather(*calls))


async def test_who_waits_when_the_circuit_opens_is_not_let_through(
    fake: FakeProvider, clock: ManualClock
) -> None:
    slow = asyncio.Event()
    async with GuardedProvider(fake, clock, failures=1, places=1, patience=60) as guard:
        fake.on_rent.next(LOST, meanwhile=slow.wait)
        calls = [asyncio.create_task(guard.rent(ORDER)) for _ in range(3)]
        await let_all_run()
        slow.set()
        assert await asyncio.gather(*calls) == [LOST, UNREACHABLE, UNREACHABLE]
        assert fake.on_rent.calls == 1


async def test_a_call_that_is_cancelled_or_raises_leaves_its_place(
    guard: GuardedProvider, fake: FakeProvider
) -> None:
    async def crash() -> None:
        raise RuntimeError

    fake.on_rent.next(meanwhile=asyncio.Event().wait)
    fake.on_rent.next(meanwhile=crash)
    cancelled = asyncio.create_task(guard.rent(ORDER))
    await let_all_run()
    cancelled.cancel()
    with pytest.raises(asyncio.CancelledError):
        await cancelled
    with pytest.raises(RuntimeError):
        await guard.rent(ORDER)
    slow = asyncio.Event()
    fake.on_rent.next(meanwhile=slow.wait, times=2)
    calls = [asyncio.create_task(guard.rent(ORDER)) for _ in range(2)]
    await let_all_run()
    assert fake.on_rent.calls == 4
    slow.set()
    await asyncio.gather(*calls)


async def test_each_call_is_reported_once_to_a_watcher(
    guard: GuardedProvider, fake: FakeProvider, clock: ManualClock, diary: Diary
) -> None:
    rented = await guard.rent(ORDER)
    assert isinstance(rented, Rented)
    await guard.rent(evolve(ORDER, service=ServiceCode("nope")))
    await guard.look(rented.activation_id)
    await break_it(guard, fake)
    await guard.rent(ORDER)
    await guard.ask_next(NUMBER)
    await pause(clock)
    assert diary.answers == [
        ("rent", "Rented"),
        ("rent", "BAD_SERVICE"),
        ("look", "Waiting"),
        *[("look", "Unknown")] * 3,
        ("balance", "Money"),
    ]
    assert diary.rejections == [
        ("rent", Rejection.CIRCUIT_OPEN),
        ("ask_next", Rejection.CIRCUIT_OPEN),
    ]


async def test_changes_are_logged_and_calls_are_not(
    guard: GuardedProvider,
    fake: FakeProvider,
    clock: ManualClock,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO)
    fake.on_balance.next(LOST, times=2)
    await break_it(guard, fake)
    for _ in range(3):
        for _ in range(10):
            await guard.rent(ORDER)
        await pause(clock)
    assert [record.message for record in caplog.records] == [
        "the provider fails (look: Unknown(detail='lost')); circuit opened",
        "the provider answers again: circuit closed",
    ]


def test_what_the_settings_name_is_guarded_and_can_be_watched() -> None:
    settings = Settings(provider_url="http://127.0.0.1:9/", provider_key="key")
    assert isinstance(open_provider(settings), Watched)
