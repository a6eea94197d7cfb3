"""The process dies between any two effects of every operation, over a real file and a server."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

import pytest
from attrs import evolve, frozen

import kiwisms
from kiwisms.adapters.simulator.upstream import FIRST_ID
from kiwisms.domain.delivery import DeliveryStatus
from kiwisms.domain.ids import AccountId
from kiwisms.domain.money import Money
from kiwisms.domain.rental import CancelNotAllowed
from kiwisms.domain.rental_state import State
from kiwisms.testing.clock import ManualClock
from kiwisms.testing.kit import do_all_work
from tests.e2e.books import BACK, assert_books_agree
from tests.e2e.cli.programs import until, upstream
from tests.e2e.receiver import Receiver, receiver
from tests.e2e.victim import Act, Fate, Life, Nursery, Steps, World, living, nursery
from tests.postgres import database

FEWEST_EFFECTS: Final = 4
"""Of any operation; with fewer the wrappers would have missed some."""
MOST_EFFECTS: Final = 60
MINUTE: Final = 60
SESSION: Final = 20 * MINUTE
SOON: Final = 5 * MINUTE
OVER: Final = SESSION + SOON
SILENT: Final = SESSION + 10 * MINUTE
GIVEN: Final = Money.parse("10.00")


@pytest.fixture(scope="module")
def nurse() -> Iterator[Nursery]:
    with nursery() as born:
        yield born


@frozen
class Operation:
    """
    What a process dies of.

    Attributes:
        prepare: Comes before; nobody dies of it.
        act: Is done for 0, 1, 2, … effects.
        again: What a careful customer does when somebody has taken over, and what must hold then.
        later: Seconds from the beginning to that moment.
    """

    prepare: Act
    act: Act
    again: Callable[[Life, Receiver], Awaitable[None]]
    later: int = SOON


async def nothing(_: Life) -> None:
    pass


async def rented(life: Life) -> None:
    await life.rent()


async def rent_again(life: Life, _: Receiver) -> None:
    """One key has one number, however often it is said."""
    rental = await life.rent()
    assert (await life.rent()).id == rental.id
    shown = await life.kiwi.rentals.active(life.account_id)
    assert [(each.id, each.state) for each in shown] == [(rental.id, State.WAITING)]


async def no_numbers(life: Life) -> None:
    await life.world.steer("faults", kind="text", text="NO_NUMBERS", action="getNumber")


async def lost_answer(life: Life) -> None:
    await life.world.steer("faults", kind="page", after=True, action="getNumber")


async def late_answer(life: Life) -> None:
    await life.world.steer("faults", kind="slow", seconds=0.3, action="getNumber")


async def rent_and_give_up(life: Life) -> None:
    """Upstream answers after somebody else has given the request up."""
    asked = (await life.world.upstream())["requests"].get("getNumber", 0)
    renting = asyncio.create_task(life.rent())
    await until(life.world.upstream, lambda now: now["requests"].get("getNumber", 0) > asked)
    life.clock.advance(MINUTE)
    await work(life)
    await renting


async def abandoned(life: Life) -> None:
    """Make a request that nobody comes back for."""
    await life.world.steer("faults", kind="silent", action="getNumber")
    with suppress(TimeoutError):
        async with asyncio.timeout(0.3):
            await life.rent()
    life.clock.advance(MINUTE)


async def given_up(life: Life, hook: Receiver) -> None:
    """The money is back, the operator knows, and the key is free."""
    rentals = await life.kiwi.rentals.all(account_id=life.account_id)
    assert {rental.state for rental in rentals} <= {State.FAILED}
    incidents = await life.kiwi.ports.store.incidents(limit=100)
    assert {rental.id for rental in rentals} <= {incident.rental_id for incident in incidents}
    assert (await life.kiwi.wallet.balance(life.account_id)).available == GIVEN
    await rent_again(life, hook)


async def work(life: Life) -> None:
    await do_all_work(life.kiwi.background)


async def poll(life: Life) -> None:
    await life.kiwi.rentals.get(life.account_id, (await life.newest()).id)


async def sent(life: Life) -> None:
    await life.send("0042", to=await life.rent())


async def received(life: Life) -> None:
    await sent(life)
    await poll(life)


async def told(life: Life, hook: Receiver) -> None:
    """The code is there and paid, and the customer's receiver has heard of it, once or again."""
    rental = await life.newest()
    assert (rental.state, codes(rental)) == (State.RECEIVED, ["0042"])
    (delivery,) = await life.kiwi.webhooks.deliveries(life.account_id)
    assert delivery.status is DeliveryStatus.DELIVERED
    assert set(hook.heard[delivery.id]) == {delivery.body.encode()}


def codes(rental: kiwisms.Rental) -> list[str]:
    return [message.code for message in rental.messages]


async def renew(life: Life) -> kiwisms.Rental:
    oldest = (await life.kiwi.rentals.all(account_id=life.account_id))[-1]
    return await life.kiwi.rentals.renew(life.account_id, oldest.id, idempotency_key="again")


async def another_number(life: Life) -> None:
    """Let the renewal bring a number that nobody asked for."""
    await received(life)
    new = FIRST_ID + len((await life.world.upstream())["activations"])
    text = f"ACCESS_NUMBER:{new}:12025550199"
    await life.world.steer(
        "faults", kind="text", text=text, action="getExtraActivation", after=True
    )


async def renew_again(life: Life, _: Receiver) -> None:
    rental = await renew(life)
    assert (await renew(life)).id == rental.id
    waiting = await life.kiwi.rentals.all(account_id=life.account_id, state=State.WAITING)
    assert [each.id for each in waiting] == [rental.id]


async def cancel(life: Life) -> None:
    await life.kiwi.rentals.cancel(life.account_id, (await life.newest()).id)


async def cancel_again(life: Life, _: Receiver) -> None:
    with suppress(CancelNotAllowed):
        await cancel(life)
    assert (await life.newest()).state is State.CANCELLED


async def cancel_in_vain(life: Life, hook: Receiver) -> None:
    """A code wins."""
    with pytest.raises(CancelNotAllowed):
        await cancel(life)
    await work(life)
    await told(life, hook)


async def done(life: Life) -> None:
    await life.kiwi.rentals.done(life.account_id, (await life.newest()).id)


async def done_again(life: Life, _: Receiver) -> None:
    await done(life)
    assert (await life.newest()).state is State.COMPLETED


async def paid_if_finished(life: Life, _: Receiver) -> None:
    """Nobody comes back, and the session ends: who had upstream finish the number pays for it."""
    rental = await life.newest()
    (sold,) = [
        each
        for each in (await life.world.upstream())["activations"]
        if each["id"] == rental.activation_id
    ]
    assert (rental.state is State.COMPLETED) == (sold["state"] == "DONE")


async def done_with_its_code(life: Life, hook: Receiver) -> None:
    await done_again(life, hook)
    assert codes(await life.newest()) == ["0042"]


async def over(life: Life) -> None:
    await rented(life)
    life.clock.advance(SESSION)


async def over_with_its_code(life: Life) -> None:
    await received(life)
    life.clock.advance(SESSION)


async def silent(life: Life) -> None:
    """Have a number that was found silent long after its session, as the key is revoked."""
    await rented(life)
    await life.world.steer("faults", kind="text", text="BAD_KEY", action="getStatus", times=9)
    life.clock.advance(SILENT)
    await work(life)


async def give_up(life: Life) -> None:
    await life.kiwi.rentals.give_up((await life.newest()).id, reason="the key is revoked")


async def ran_out(life: Life, _: Receiver) -> None:
    assert (await life.newest()).state in BACK


async def completed(life: Life, _: Receiver) -> None:
    assert (await life.newest()).state is State.COMPLETED


OPERATIONS: Final = {
    "rent": Operation(nothing, rented, rent_again),
    "rent, and there are no numbers": Operation(no_numbers, rented, rent_again),
    "rent, and the answer is lost": Operation(lost_answer, rented, rent_again),
    "rent, and the answer is late": Operation(late_answer, rent_and_give_up, rent_again),
    "give up a request": Operation(abandoned, work, given_up),
    "renew": Operation(received, renew, renew_again),
    "renew, and it is another number": Operation(another_number, renew, renew_again),
    "cancel": Operation(rented, cancel, cancel_again),
    "cancel as a code comes": Operation(sent, cancel, cancel_in_vain),
    "done": Operation(rented, done, done_again),
    "done, and never again": Operation(rented, done, paid_if_finished, later=OVER),
    "done as a code comes": Operation(sent, done, done_with_its_code),
    "done after a code": Operation(received, done, done_with_its_code),
    "poll": Operation(sent, poll, told),
    "look and deliver": Operation(sent, work, told),
    "deliver": Operation(received, work, told),
    "give up a silent number": Operation(silent, give_up, ran_out, later=SILENT + SOON),
    "run out": Operation(over, work, ran_out, later=OVER),
    "run out after a code": Operation(over_with_its_code, work, completed, later=OVER),
}


@pytest.mark.parametrize("name", OPERATIONS)
async def test_a_death_anywhere_over_sqlite(nurse: Nursery, name: str, tmp_path: Path) -> None:
    await die_everywhere(nurse, OPERATIONS[name], f"sqlite:///{tmp_path}/kiwisms.db")


@pytest.mark.parametrize("name", ["rent", "cancel", "done", "look and deliver"])
async def test_a_death_anywhere_over_postgres(nurse: Nursery, name: str) -> None:
    async with database() as url:
        await die_everywhere(nurse, OPERATIONS[name], url)


async def die_everywhere(nurse: Nursery, operation: Operation, store_url: str) -> None:
    """Die before the first effect, before the second, and so on, until there is no next one."""
    async with beginning(store_url) as (world, hook):
        funded: dict[AccountId, Money] = {}
        for effects in range(MOST_EFFECTS):
            name = f"killed-after-{effects}@example.com"
            fate = Fate(
                world=world,
                email=name,
                prepare=operation.prepare,
                act=operation.act,
                effects=effects,
            )
            died = await asyncio.to_thread(nurse.kills, fate)
            await world.mend()
            clock = ManualClock(world.began + timedelta(seconds=operation.later))
            async with living(world, clock, Steps()) as stranger:
                account_id = (await stranger.kiwi.accounts.find(name)).id
                life = evolve(stranger, account_id=account_id)
                funded[account_id] = GIVEN
                assert (await life.kiwi.wallet.audit()).violations == ()
                await work(life)
                await assert_books_agree(life.kiwi, await world.upstream(), funded)
                await operation.again(life, hook)
                await assert_books_agree(life.kiwi, await world.upstream(), funded)
            if not died:
                assert effects >= FEWEST_EFFECTS
                return
    pytest.fail(f"it did not end in {MOST_EFFECTS} effects")


@asynccontextmanager
async def beginning(store_url: str) -> AsyncIterator[tuple[World, Receiver]]:
    async with upstream() as provider, receiver() as hook:
        await provider.post("settings", balance="1000", most_waiting=1000)
        yield (
            World(
                store_url=store_url,
                provider_url=provider.url,
                provider_key=provider.key,
                control=provider.control,
                hook=hook.url,
                began=datetime.now(UTC),
            ),
            hook,
        )
