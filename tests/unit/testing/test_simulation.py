"""The simulation repeats itself, finds the bugs that are put in, and finds none in the product."""

import asyncio
import os
import subprocess
import sys
from collections.abc import Awaitable, Callable, Iterator
from contextlib import suppress
from datetime import datetime
from functools import partial
from random import Random
from typing import TypeVar

import pytest
from attrs import AttrsInstance, evolve, fields

from kiwisms.adapters.memory.transaction import MemoryTransaction
from kiwisms.application.looks import Looks, _LookResult, number_of
from kiwisms.application.outbox import Outbox
from kiwisms.application.outcomes import Answer, HeldRequest, Outcomes
from kiwisms.application.progress import Progress
from kiwisms.application.pushes import Pushes
from kiwisms.application.rentals import Rentals
from kiwisms.application.renting import Ordered, Renting, _Request
from kiwisms.application.silence import Silence
from kiwisms.application.tracing import Tracing
from kiwisms.domain.ids import AccountId, ActivationId, MessageId, RentalId
from kiwisms.domain.incident import Incident, silence_id
from kiwisms.domain.orphan import Orphan
from kiwisms.domain.push import PushedMessage
from kiwisms.domain.rental import CancelNotAllowed, Rental
from kiwisms.domain.rental_state import State
from kiwisms.domain.terms import Terms
from kiwisms.entrypoints import worker
from kiwisms.entrypoints.engine import Kiwisms
from kiwisms.ports.provider import Look, NoAnswer, Received, Rented, Unknown, Waiting
from kiwisms.ports.store import StoreUnavailable
from kiwisms.ports.transaction import Transaction, TransactionConflict
from kiwisms.testing.simulation import (
    LAWS,
    Choice,
    Join,
    Life,
    Ports,
    Report,
    Scenario,
    SimulatedClock,
    SimulatedLoop,
    Stuck,
    live,
    main,
    shrink,
    simulate,
    usual_join,
)
from kiwisms.testing.simulation.command import repeat_line
from kiwisms.testing.simulation.disk import Disk

LIVES = 2000
MOST_FOR_A_BUG = 3000
SEED = int(os.environ.get("TEST_KIWISMS_SEED") or int.from_bytes(os.urandom(4)))
T = TypeVar("T")


@pytest.mark.timeout(300)  # a machine that is busy with other things
def test_no_life_breaks_a_law_and_each_mark_is_reached() -> None:
    report = simulate(range(SEED, SEED + LIVES), enough=LIVES)
    for outcome in report.broken:
        pytest.fail(f"{repeat_line(outcome.choice.seed)}\n" + "\n".join(outcome.broken))
    assert not report.missing, f"TEST_KIWISMS_SEED={SEED}: no life reached {report.missing}"


def test_a_life_that_is_watched_closely_breaks_no_law_either() -> None:
    for seed in range(SEED, SEED + 50):
        assert not live(Choice(seed=seed), recorded=True).broken, repeat_line(seed)


def histories(seeds: range) -> str:
    lives = (live(Choice(seed=seed), recorded=True) for seed in seeds)
    return "\n".join(str(line) for outcome in lives for line in outcome.history)


def say(program: str, hash_seed: str = "0") -> str:
    """Run a few lines that know this module, in a process without threads, which may fork."""
    run = subprocess.run(
        [sys.executable, "-c", f"from tests.unit.testing.test_simulation import *\n{program}"],
        env=os.environ | {"PYTHONHASHSEED": hash_seed, "PYTHONPATH": os.pathsep.join(sys.path)},
        capture_output=True,
        text=True,
        check=True,
    )
    return run.stdout


@pytest.mark.parametrize("hash_seed", ["1", "2"])
def test_a_seed_is_the_same_life_in_every_process(hash_seed: str) -> None:
    assert say("print(histories(range(20)))", hash_seed) == histories(range(20)) + "\n"


def test_to_watch_a_life_does_not_change_it() -> None:
    for seed in range(20):
        assert live(Choice(seed=seed)).steps == live(Choice(seed=seed), recorded=True).steps


# Bugs, each of them put in without a change to the source.


class AsksAgain(Renting):
    """Retries getNumber, which may have rented already."""

    async def _hold_and_ask(
        self, request: _Request, ask: Callable[[], Awaitable[Answer]]
    ) -> Ordered:
        async def again() -> Answer:
            answer = await ask()
            return await ask() if isinstance(answer, Unknown) else answer

        return await super()._hold_and_ask(request, again)


class AnswersEarly(Outcomes):
    """Answers with a number that is not written down yet."""

    async def _keep(self, held: HeldRequest, number: Rented) -> Rental:
        writing = asyncio.ensure_future(super()._keep(held, number))
        writing.add_done_callback(lambda done: done.cancelled() or done.exception())
        return held.rental.rent(
            activation_id=number.activation_id,
            phone=number.phone,
            price=held.rental.price,
            cost=number.cost,
            asleep_until=number.asleep_until,
            at=self.clock.now(),
            pace=self.terms.pace,
        )


class SkipsTheLastLook(Looks):
    """Lets a session run out without the last look."""

    async def look(
        self, rental: Rental, by: str = "worker", *, is_due: bool = False
    ) -> tuple[Rental, Look]:
        if rental.is_over_time(self.clock.now()):
            unseen = _LookResult(shown=Waiting(), pushed=(), began_at=self.clock.now(), had=0)
            over = await self._apply(rental.account_id, rental.id, unseen, over=True, by=by)
            return over, Waiting()
        return await super().look(rental, by, is_due=is_due)


class CancelsBlindly(Rentals):
    """Takes whatever upstream answers to a cancel for a yes."""

    async def cancel(
        self, account_id: AccountId, rental_id: RentalId, *, by: str = "app"
    ) -> Rental:
        rental = await self.store.rental(account_id, rental_id)
        if rental is None or rental.state is not State.WAITING:
            raise CancelNotAllowed
        await self.provider.cancel(number_of(rental))
        return await self._end(account_id, rental_id, _cancelled_once, by)


def _cancelled_once(rental: Rental, now: datetime) -> Rental:
    return rental if rental.state is State.CANCELLED else rental.cancel(now)


def become(kind: type[T], part: AttrsInstance) -> T:
    """Make the same part of another kind."""
    named = [field.name for field in fields(type(part)) if field.init]
    return kind(**{name: getattr(part, name) for name in named})


def with_looks(kiwi: Kiwisms, looks: Looks) -> Kiwisms:
    return evolve(
        kiwi,
        rentals=evolve(kiwi.rentals, looks=looks),
        background=evolve(kiwi.background, looks=looks),
    )


def with_no_last_look(ports: Ports, terms: Terms) -> Kiwisms:
    kiwi = usual_join(ports, terms)
    return with_looks(kiwi, become(SkipsTheLastLook, kiwi.rentals.looks))


def with_renting(kiwi: Kiwisms, renting: Renting) -> Kiwisms:
    return evolve(kiwi, rentals=evolve(kiwi.rentals, renting=renting))


def with_numbers_asked_for_again(ports: Ports, terms: Terms) -> Kiwisms:
    kiwi = usual_join(ports, terms)
    return with_renting(kiwi, become(AsksAgain, kiwi.rentals.renting))


def with_early_answers(ports: Ports, terms: Terms) -> Kiwisms:
    kiwi = usual_join(ports, terms)
    renting = kiwi.rentals.renting
    early = become(AnswersEarly, renting.outcomes)
    return with_renting(kiwi, evolve(renting, outcomes=early))


def with_events_apart(ports: Ports, terms: Terms) -> Kiwisms:
    """Writes an event in a transaction of its own, after that of its message."""

    class TellsApart(Outbox):
        async def save(self, tx: Transaction, progress: Progress) -> None:
            tx.save(*progress.facts)
            if progress.rental is not None:
                moved = self._write(progress.rental_before, progress.rental)
                written.append(asyncio.ensure_future(moved))

        async def _write(self, before: Rental | None, after: Rental) -> None:
            with suppress(StoreUnavailable, TransactionConflict):
                async with ports.store.transaction(after.account_id) as tx:
                    await self._rental_moved(tx, before, after)

    written: list[asyncio.Future[None]] = []
    kiwi = usual_join(ports, terms)
    looks = kiwi.rentals.looks
    silence = evolve(looks.silence, outbox=become(TellsApart, looks.silence.outbox))
    return with_looks(kiwi, evolve(looks, silence=silence))


def with_blind_cancels(ports: Ports, terms: Terms) -> Kiwisms:
    kiwi = usual_join(ports, terms)
    return evolve(kiwi, rentals=become(CancelsBlindly, kiwi.rentals))


class BelievesPushes(Looks):
    """Takes a pushed message for one that a look has shown."""

    async def _result_of(self, rental: Rental, shown: Look, began_at: datetime) -> _LookResult:
        pushed = await self.store.pushes(number_of(rental))
        messages = [message for each in pushed if (message := each.message())]
        if messages and isinstance(shown, Waiting):
            shown = Received(code=messages[-1].code, text=messages[-1].text)
        return await super()._result_of(rental, shown, began_at)


class ForgetsPushes(Looks):
    """Believes looks alone, which show the newest message and no other."""

    async def _result_of(self, rental: Rental, shown: Look, began_at: datetime) -> _LookResult:
        return evolve(await super()._result_of(rental, shown, began_at), pushed=())


class LooksAtEveryPush(Pushes):
    """Makes a number due for a look at every push."""

    async def accept(self, pushed: PushedMessage) -> None:
        await super().accept(evolve(pushed, id=MessageId(f"{pushed.id}-{self.clock.now()}")))


class Guesses(Tracing):
    """Gives a number to the first request that it fits."""

    async def _may_be_anothers(self, _orphan: Orphan, _incident: Incident) -> bool:
        return False


class KeepsNumbers(Tracing):
    """Finds out whose a number is, and leaves it rented."""

    async def _hand_back(self, incident: Incident, number: ActivationId) -> None:
        pass


def with_believed_pushes(ports: Ports, terms: Terms) -> Kiwisms:
    kiwi = usual_join(ports, terms)
    return with_looks(kiwi, become(BelievesPushes, kiwi.rentals.looks))


def with_forgotten_pushes(ports: Ports, terms: Terms) -> Kiwisms:
    kiwi = usual_join(ports, terms)
    return with_looks(kiwi, become(ForgetsPushes, kiwi.rentals.looks))


def with_pushes(kind: type[Pushes], ports: Ports, terms: Terms) -> Kiwisms:
    kiwi = usual_join(ports, terms)
    return evolve(kiwi, pushes=become(kind, kiwi.pushes))


def with_tracing(kind: type[Tracing], ports: Ports, terms: Terms) -> Kiwisms:
    kiwi = usual_join(ports, terms)
    tracing = become(kind, kiwi.background.tracing)
    return evolve(kiwi, background=evolve(kiwi.background, tracing=tracing))


class CountsTheClock(Silence):
    """Gives up after the time that the looks would take, however many were made."""

    async def record_silence(
        self, tx: Transaction, progress: Progress, rental: Rental, answer: NoAnswer
    ) -> Rental:
        pace, alarm = self.terms.pace, await tx.incident(silence_id(rental.id))
        is_over = alarm and self.clock.now() >= alarm.at + pace.give_up_after * pace.look_silent
        pace = evolve(pace, give_up_after=0 if is_over else 10**6)
        usual = Silence(
            outbox=self.outbox,
            incidents=self.incidents,
            trail=self.trail,
            clock=self.clock,
            terms=evolve(self.terms, pace=pace),
        )
        return await usual.record_silence(tx, progress, rental, answer)


class CountsEveryLook(Silence):
    """Counts the looks for which upstream was not asked, too."""

    async def record_silence(
        self, tx: Transaction, progress: Progress, rental: Rental, answer: NoAnswer
    ) -> Rental:
        return await super().record_silence(tx, progress, rental, Unknown(answer.detail))


def with_silence(kind: type[Silence], ports: Ports, terms: Terms) -> Kiwisms:
    kiwi = usual_join(ports, terms)
    looks = kiwi.rentals.looks
    return with_looks(kiwi, evolve(looks, silence=become(kind, looks.silence)))


BUGS: dict[str, Join] = {
    "getNumber is retried": with_numbers_asked_for_again,
    "a number is answered before it is written down": with_early_answers,
    "the last look is forgotten": with_no_last_look,
    "an event is written apart from its message": with_events_apart,
    "a cancel needs no answer": with_blind_cancels,
    "a push is believed": with_believed_pushes,
    "a push is forgotten": with_forgotten_pushes,
    "a repeated push is a new one": partial(with_pushes, LooksAtEveryPush),
    "a number is guessed": partial(with_tracing, Guesses),
    "a traced number stays rented": partial(with_tracing, KeepsNumbers),
    "time counts instead of looks": partial(with_silence, CountsTheClock),
    "a look that was not asked counts": partial(with_silence, CountsEveryLook),
}


@pytest.mark.parametrize("bug", BUGS)
def test_a_bug_is_found(bug: str) -> None:
    assert simulate(range(MOST_FOR_A_BUG), Scenario(join=BUGS[bug])).broken


def test_a_store_that_ignores_its_version_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    commit = Disk.commit

    def blind(self: Disk, account_id: AccountId, tx: MemoryTransaction, _version: int) -> None:
        _, current = self.begin(account_id)
        commit(self, account_id, tx, current)

    monkeypatch.setattr(Disk, "commit", blind)
    assert simulate(range(MOST_FOR_A_BUG)).broken


def test_a_loop_that_ends_with_an_error_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    async def unguarded(work: Callable[[T], Awaitable[None]], item: T) -> None:
        await work(item)

    monkeypatch.setattr(worker, "_guarded", unguarded)
    assert simulate(range(MOST_FOR_A_BUG)).broken


def test_the_shortest_history_needs_less_and_breaks_a_law_too() -> None:
    scenario = Scenario(join=BUGS["getNumber is retried"])
    [broken] = simulate(range(MOST_FOR_A_BUG), scenario).broken
    shortest = shrink(broken.choice, scenario)
    assert shortest.broken
    assert shortest.history
    assert len(shortest.choice.plan().actions) < len(broken.choice.plan().actions)


def test_the_command_says_how_to_repeat_a_life() -> None:
    scenario = Scenario(join=BUGS["a cancel needs no answer"])
    said = say(
        "scenario = Scenario(join=BUGS['a cancel needs no answer'])\n"
        "assert main(['--seed', '0', '--lives', '500'], scenario) == 1"
    )
    *_, line = said.splitlines()
    assert line.startswith("To repeat it, run this again with --seed ")
    options = line.partition(" with ")[2].split()
    assert live(Choice(seed=int(options[1])), scenario).broken
    assert main(options) == 0  # it is a bug of the scenario's own
    assert main(options, scenario) == 1


def test_kiwisms_as_it_is_is_repeated_by_make() -> None:
    assert repeat_line(7) == "To repeat it: make simulate SEED=7 LIVES=1"


def few_rent(life: Life) -> Iterator[str]:
    if sum(len(records.rentals) for records in life.world.disk.records.values()) > 4:
        yield "too many rented"


def report_of(processes: int) -> Report:
    scenario = Scenario(laws=(*LAWS, few_rent))
    return simulate(range(300), scenario, max_broken=2, processes=processes)


def test_several_processes_report_what_one_does() -> None:
    alone = report_of(1)
    assert len(alone.broken) == 2
    assert say("print(report_of(2) == report_of(1), report_of(2).lives)") == f"True {alone.lives}\n"


# What embedders add.


def test_a_law_of_ones_own_is_checked() -> None:
    def nobody_rents(life: Life) -> Iterator[str]:
        if any(records.rentals for records in life.world.disk.records.values()):
            yield "somebody rented"

    report = simulate(range(20), Scenario(laws=(*LAWS, nobody_rents)))
    assert "somebody rented" in report.broken[0].broken


def a_law_with_a_mistake(life: Life) -> Iterator[str]:
    if any(records.rentals for records in life.world.disk.records.values()):
        raise LookupError("no such thing")
    yield from ()


def test_a_law_that_raises_is_found_as_one_that_breaks() -> None:
    scenario = Scenario(laws=(*LAWS, a_law_with_a_mistake))
    [outcome] = simulate(range(20), scenario).broken
    [first, *_] = outcome.broken
    assert first.startswith("the law a_law_with_a_mistake raised LookupError('no such thing') at")
    assert f"{__file__}:" in first
    assert shrink(outcome.choice, scenario, max_tries=20).history


def test_a_life_that_cannot_go_on_says_which_it_is() -> None:
    def join(_ports: Ports, _terms: Terms) -> Kiwisms:
        raise LookupError("no such part")

    with pytest.raises(LookupError, match="no such part") as raised:
        simulate(range(7, 8), Scenario(join=join))
    assert raised.value.__notes__ == ["in the life of seed 7"]


def test_a_mark_that_no_life_reaches_fails_a_run_that_is_long_enough() -> None:
    scenario = Scenario(marks=frozenset({"a number was rented", "pigs fly"}))
    assert simulate(range(20), scenario, enough=20).missing == ("pigs fly",)
    assert simulate(range(20), scenario, enough=21).succeeded


# The loop.


def test_time_jumps_to_the_next_timer() -> None:
    loop = SimulatedLoop(Random(1))
    clock = SimulatedClock(loop)

    async def sleep() -> None:
        await clock.sleep(86_400)

    began = clock.now()
    loop.run(sleep())
    assert (clock.now() - began).total_seconds() == loop.time() == 86_400


def order_of(seed: int) -> str:
    seen: list[str] = []

    async def say(what: str) -> None:
        await asyncio.sleep(0)
        seen.append(what)

    async def all_of_them() -> None:
        await asyncio.gather(*map(say, "abcdef"))

    SimulatedLoop(Random(seed)).run(all_of_them())
    return "".join(seen)


def test_the_seed_decides_which_task_runs_next() -> None:
    assert order_of(1) == order_of(1)
    assert len({order_of(seed) for seed in range(50)}) > 25


def test_a_run_that_cannot_end_says_so() -> None:
    async def wait_for_nobody() -> None:
        await asyncio.get_running_loop().create_future()

    async def go_in_circles() -> None:
        await asyncio.sleep(0)
        await go_in_circles()

    with pytest.raises(Stuck, match="waits"):
        SimulatedLoop(Random(1)).run(wait_for_nobody())
    with pytest.raises(Stuck, match="500 steps"):
        SimulatedLoop(Random(1)).run(go_in_circles(), max_steps=500)


def test_what_is_left_running_is_cancelled() -> None:
    ended: list[str] = []

    async def forever() -> None:
        try:
            await asyncio.sleep(1e6)
        finally:
            ended.append("cleaned up")

    async def begin() -> None:
        asyncio.get_running_loop().create_task(forever())
        await asyncio.sleep(0)
        await asyncio.sleep(1)

    SimulatedLoop(Random(1)).run(begin())
    assert ended == ["cleaned up"]


def test_an_error_that_nothing_handles_is_kept() -> None:
    def fail() -> None:
        raise ZeroDivisionError

    async def begin() -> None:
        asyncio.get_running_loop().call_soon(fail)
        await asyncio.sleep(1)

    loop = SimulatedLoop(Random(1))
    loop.run(begin())
    assert "ZeroDivisionError" in loop.errors[0]
