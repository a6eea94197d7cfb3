"""Codes, cancels, completions and ends, and who wins when two of them come at once."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta

import pytest

from kiwisms.application.errors import ProviderFailed
from kiwisms.domain.account import Account
from kiwisms.domain.ids import RentalId
from kiwisms.domain.rental import CancelNotAllowed, Rental, RentalNotFound
from kiwisms.domain.rental_state import State
from kiwisms.domain.sms import Code
from kiwisms.ports.provider import (
    Ambiguous,
    Cancelled,
    Finished,
    Gone,
    Look,
    Received,
    TooEarly,
    Unknown,
    Waiting,
)
from kiwisms.testing.kit import Kit
from tests.held_call import HeldCall

SESSION = 1200


@pytest.fixture
async def rental(kit: Kit, ada: Account) -> Rental:
    return await kit.kiwi.rentals.rent(ada.id, service="go")


async def money(kit: Kit, account: Account) -> tuple[str, str]:
    wallet = await kit.kiwi.wallet.balance(account.id)
    return str(wallet.available), str(wallet.held)


async def state(kit: Kit, rental: Rental) -> State:
    return (await kit.kiwi.rentals.find(rental.id)).state


@pytest.fixture(autouse=True)
async def _books_balance(kit: Kit) -> AsyncIterator[None]:
    yield
    assert (await kit.kiwi.wallet.audit()).violations == ()


async def test_the_first_code_is_paid_and_the_next_are_free(
    kit: Kit, ada: Account, rental: Rental
) -> None:
    for code in ("007", "0042"):
        kit.provider.deliver(code)
        kit.clock.advance(3)
        await kit.kiwi.rentals.get(ada.id, rental.id)
    seen = await kit.kiwi.rentals.get(ada.id, rental.id)
    assert [message.code for message in seen.messages] == ["007", "0042"]
    assert seen.state is State.RECEIVED
    assert await money(kit, ada) == ("9.61", "0.00")


async def test_upstream_is_asked_at_most_every_three_seconds(
    kit: Kit, ada: Account, rental: Rental
) -> None:
    for _ in range(30):
        await asyncio.gather(*(kit.kiwi.rentals.get(ada.id, rental.id) for _ in range(5)))
        kit.clock.advance(1)
    assert kit.provider.on_look.calls == 9


async def test_a_sleeping_number_is_asked_every_fifteen_seconds(
    kit: Kit, ada: Account, rental: Rental
) -> None:
    kit.provider.deliver("1")
    await kit.kiwi.rentals.done(ada.id, rental.id)
    kit.provider.upstream.sleep = timedelta(minutes=5)
    made = await kit.kiwi.rentals.renew(ada.id, rental.id)
    assert made.asleep_until is not None
    before = kit.provider.on_look.calls
    for _ in range(60):
        await kit.kiwi.rentals.get(ada.id, made.id)
        kit.clock.advance(1)
    assert kit.provider.on_look.calls - before == 3


async def test_messages_that_follow_one_another_are_all_kept_though_nobody_asks(
    kit: Kit, ada: Account, rental: Rental
) -> None:
    for code in ("1", "2", "3"):
        kit.provider.deliver(code)
        kit.clock.advance(4)
        await kit.work()
    seen = await kit.kiwi.rentals.get(ada.id, rental.id, sync=False)
    assert [message.code for message in seen.messages] == ["1", "2", "3"]


async def test_who_polls_after_a_crash_waits_no_longer_than_between_two_looks(
    kit: Kit, ada: Account, rental: Rental
) -> None:
    kit.clock.advance(3)
    assert await kit.kiwi.background.claim_rentals(9)  # and the worker dies
    kit.provider.deliver("123")
    kit.clock.advance(2.9)
    assert (await kit.kiwi.rentals.get(ada.id, rental.id)).state is State.WAITING
    kit.clock.advance(0.1)
    assert (await kit.kiwi.rentals.get(ada.id, rental.id)).state is State.RECEIVED


async def test_who_polls_waits_for_the_look_of_a_worker(
    kit: Kit, ada: Account, rental: Rental
) -> None:
    polls = []

    async def somebody_polls() -> None:
        kit.clock.advance(9)
        polls.append(asyncio.create_task(kit.kiwi.rentals.get(ada.id, rental.id)))
        await settle()
        assert not polls[0].done()

    kit.provider.deliver("123")
    kit.clock.advance(3)
    [claimed] = await kit.kiwi.background.claim_rentals(9)
    kit.provider.on_look.next(meanwhile=somebody_polls)
    await kit.kiwi.background.process_rental(claimed)
    assert (await polls[0]).state is State.RECEIVED
    assert kit.provider.on_look.calls == 1


async def test_without_sync_upstream_is_not_asked(kit: Kit, ada: Account, rental: Rental) -> None:
    kit.clock.advance(60)
    await kit.kiwi.rentals.get(ada.id, rental.id, sync=False)
    await kit.kiwi.rentals.active(ada.id, sync=False)
    assert kit.provider.on_look.calls == 0


async def test_a_read_does_not_fail_because_upstream_does(
    kit: Kit, ada: Account, rental: Rental
) -> None:
    kit.provider.on_look.next(Unknown("down"), times=100)
    kit.clock.advance(5)
    assert (await kit.kiwi.rentals.get(ada.id, rental.id)).state is State.WAITING
    assert [each.id for each in await kit.kiwi.rentals.active(ada.id)] == [rental.id]


async def test_anothers_rental_is_not_there(kit: Kit, rental: Rental) -> None:
    bob = await kit.customer("1.00", "bob@example.com")
    with pytest.raises(RentalNotFound):
        await kit.kiwi.rentals.get(bob.id, rental.id)
    with pytest.raises(CancelNotAllowed):
        await kit.kiwi.rentals.cancel(bob.id, rental.id)
    with pytest.raises(RentalNotFound):
        await kit.kiwi.rentals.done(bob.id, rental.id)
    with pytest.raises(RentalNotFound):
        await kit.kiwi.rentals.find(RentalId("nobody's"))


async def test_a_cancel_gives_the_money_back_once(kit: Kit, ada: Account, rental: Rental) -> None:
    assert (await kit.kiwi.rentals.cancel(ada.id, rental.id)).state is State.CANCELLED
    assert await money(kit, ada) == ("10.00", "0.00")
    with pytest.raises(CancelNotAllowed):
        await kit.kiwi.rentals.cancel(ada.id, rental.id)
    assert await money(kit, ada) == ("10.00", "0.00")


async def test_two_cancels_at_once_refund_once(kit: Kit, ada: Account, rental: Rental) -> None:
    await asyncio.gather(
        *(kit.kiwi.rentals.cancel(ada.id, rental.id) for _ in range(5)), return_exceptions=True
    )
    assert await state(kit, rental) is State.CANCELLED
    assert await money(kit, ada) == ("10.00", "0.00")


async def test_a_code_wins_over_a_cancel(kit: Kit, ada: Account, rental: Rental) -> None:
    kit.provider.deliver("123")
    with pytest.raises(CancelNotAllowed):
        await kit.kiwi.rentals.cancel(ada.id, rental.id)
    seen = await kit.kiwi.rentals.get(ada.id, rental.id, sync=False)
    assert (seen.state, seen.messages[0].code) == (State.RECEIVED, "123")
    assert await money(kit, ada) == ("9.61", "0.00")


@pytest.mark.parametrize("look", [Cancelled(), Gone()])
async def test_an_ambiguous_cancel_of_a_rental_that_is_gone_is_a_cancel(
    kit: Kit, ada: Account, rental: Rental, look: Look
) -> None:
    kit.provider.on_cancel.next(Ambiguous())
    kit.provider.on_look.next(look)
    assert (await kit.kiwi.rentals.cancel(ada.id, rental.id)).state is State.CANCELLED
    assert await money(kit, ada) == ("10.00", "0.00")


async def paid_without_a_code(kit: Kit, account: Account, rental: Rental) -> bool:
    """Whether customer and upstream agree that the number is paid, and nobody must find out."""
    assert await state(kit, rental) is State.COMPLETED
    assert await money(kit, account) == ("9.61", "0.00")
    assert not await kit.store.incidents(limit=10)
    return kit.provider.upstream.refunded.micros == 0


async def test_a_cancel_against_a_done_that_upstream_heard_first_is_refused(
    kit: Kit, ada: Account, rental: Rental
) -> None:
    async def cancel() -> None:
        with pytest.raises(CancelNotAllowed):
            await kit.kiwi.rentals.cancel(ada.id, rental.id)

    kit.provider.on_finish.next(meanwhile=cancel)
    assert (await kit.kiwi.rentals.done(ada.id, rental.id)).state is State.COMPLETED
    assert await paid_without_a_code(kit, ada, rental)


async def test_a_done_that_upstream_hears_while_a_cancel_looks_wins(
    kit: Kit, ada: Account, rental: Rental
) -> None:
    async def done() -> None:
        await kit.kiwi.rentals.done(ada.id, rental.id)

    kit.provider.on_cancel.next(Ambiguous())
    kit.provider.on_look.next(Gone(), meanwhile=done)
    with pytest.raises(CancelNotAllowed):
        await kit.kiwi.rentals.cancel(ada.id, rental.id)
    assert await paid_without_a_code(kit, ada, rental)


async def test_a_cancel_that_upstream_heard_before_a_done_stands(
    kit: Kit, ada: Account, rental: Rental
) -> None:
    async def done() -> None:
        with pytest.raises(RentalNotFound):
            await kit.kiwi.rentals.done(ada.id, rental.id)

    kit.provider.on_cancel.next(meanwhile=done)
    assert (await kit.kiwi.rentals.cancel(ada.id, rental.id)).state is State.CANCELLED
    assert await money(kit, ada) == ("10.00", "0.00")


@pytest.fixture
async def half_done(kit: Kit, ada: Account, rental: Rental) -> Rental:
    """A rental that upstream has finished, and whose customer was told that nobody knows."""
    kit.provider.on_finish.next(Unknown("lost"), acts=True)
    with pytest.raises(ProviderFailed):
        await kit.kiwi.rentals.done(ada.id, rental.id)
    assert await state(kit, rental) is State.WAITING
    assert await money(kit, ada) == ("9.61", "0.39")
    return rental


async def test_a_done_whose_answer_is_lost_is_paid_when_it_is_said_again(
    kit: Kit, ada: Account, half_done: Rental
) -> None:
    assert (await kit.kiwi.rentals.done(ada.id, half_done.id)).state is State.COMPLETED
    assert await paid_without_a_code(kit, ada, half_done)


async def test_a_done_whose_answer_is_lost_cannot_be_cancelled(
    kit: Kit, ada: Account, half_done: Rental
) -> None:
    with pytest.raises(CancelNotAllowed):
        await kit.kiwi.rentals.cancel(ada.id, half_done.id)
    assert await paid_without_a_code(kit, ada, half_done)


@pytest.mark.parametrize("later", [3, SESSION])
async def test_a_done_whose_answer_is_lost_is_found_out_by_whoever_looks_next(
    kit: Kit, ada: Account, half_done: Rental, later: int
) -> None:
    kit.clock.advance(later)
    await kit.work()
    assert await paid_without_a_code(kit, ada, half_done)


@pytest.mark.parametrize("later", [3, SESSION])
async def test_a_done_whose_process_died_is_paid(
    kit: Kit, ada: Account, rental: Rental, later: int
) -> None:
    call = HeldCall()
    kit.provider.on_finish.next(meanwhile=call)
    doing = asyncio.create_task(kit.kiwi.rentals.done(ada.id, rental.id))
    await call.begun.wait()
    doing.cancel()
    with pytest.raises(asyncio.CancelledError):
        await doing
    kit.clock.advance(later)
    await kit.work()
    assert await paid_without_a_code(kit, ada, rental)


async def test_a_worker_that_looks_while_somebody_is_done_agrees_with_both(
    kit: Kit, ada: Account, rental: Rental
) -> None:
    async def the_worker_looks() -> None:
        kit.clock.advance(3)
        await kit.work()

    kit.provider.on_finish.next(meanwhile=the_worker_looks)
    assert (await kit.kiwi.rentals.done(ada.id, rental.id)).state is State.COMPLETED
    assert await paid_without_a_code(kit, ada, rental)


async def test_two_who_are_done_at_once_pay_once(kit: Kit, ada: Account, rental: Rental) -> None:
    both = await asyncio.gather(*(kit.kiwi.rentals.done(ada.id, rental.id) for _ in range(2)))
    assert {each.state for each in both} == {State.COMPLETED}
    assert await paid_without_a_code(kit, ada, rental)


async def test_a_done_that_upstream_never_heard_may_be_cancelled(
    kit: Kit, ada: Account, rental: Rental
) -> None:
    kit.provider.on_finish.next(Unknown("down"))
    with pytest.raises(ProviderFailed):
        await kit.kiwi.rentals.done(ada.id, rental.id)
    assert (await kit.kiwi.rentals.cancel(ada.id, rental.id)).state is State.CANCELLED
    assert await money(kit, ada) == ("10.00", "0.00")


async def test_a_done_that_upstream_never_heard_may_still_receive_a_code(
    kit: Kit, ada: Account, rental: Rental
) -> None:
    kit.provider.on_finish.next(Unknown("down"))
    with pytest.raises(ProviderFailed):
        await kit.kiwi.rentals.done(ada.id, rental.id)
    kit.provider.deliver("123")
    kit.clock.advance(3)
    await kit.work()
    assert await state(kit, rental) is State.RECEIVED
    assert await money(kit, ada) == ("9.61", "0.00")


async def test_a_done_between_the_last_look_and_the_hand_back_is_an_incident(
    kit: Kit, ada: Account
) -> None:
    kit.provider.upstream.session = timedelta(hours=5)
    rental = await kit.kiwi.rentals.rent(ada.id, service="go")

    async def upstream_hears_of_done() -> None:
        assert rental.activation_id is not None
        kit.provider.upstream.finish(rental.activation_id, kit.clock.now())

    kit.clock.advance(SESSION)
    kit.provider.on_look.next(meanwhile=upstream_hears_of_done)
    await kit.work()
    assert await state(kit, rental) is State.EXPIRED
    assert [each.rental_id for each in await kit.store.incidents(limit=10)] == [rental.id]


@pytest.mark.parametrize("answer", [Ambiguous(), TooEarly(), Unknown("reset")])
async def test_a_cancel_that_upstream_does_not_take_changes_nothing(
    kit: Kit, ada: Account, rental: Rental, answer: Ambiguous | TooEarly | Unknown
) -> None:
    kit.provider.on_cancel.next(answer)
    with pytest.raises(ProviderFailed):
        await kit.kiwi.rentals.cancel(ada.id, rental.id)
    assert await state(kit, rental) is State.WAITING
    assert await money(kit, ada) == ("9.61", "0.39")


async def test_a_cancel_whose_answer_is_lost_is_found_out(
    kit: Kit, ada: Account, rental: Rental
) -> None:
    kit.provider.on_cancel.next(Unknown("lost"), acts=True)
    kit.provider.on_look.next(Unknown("lost"))
    with pytest.raises(ProviderFailed):
        await kit.kiwi.rentals.cancel(ada.id, rental.id)
    assert (await kit.kiwi.rentals.cancel(ada.id, rental.id)).state is State.CANCELLED
    assert await money(kit, ada) == ("10.00", "0.00")


async def test_done_without_a_code_is_paid(kit: Kit, ada: Account, rental: Rental) -> None:
    assert (await kit.kiwi.rentals.done(ada.id, rental.id)).state is State.COMPLETED
    assert await money(kit, ada) == ("9.61", "0.00")
    assert (await kit.kiwi.rentals.done(ada.id, rental.id)).state is State.COMPLETED
    assert await money(kit, ada) == ("9.61", "0.00")


async def test_done_shows_a_code_that_came_before_it(
    kit: Kit, ada: Account, rental: Rental
) -> None:
    kit.provider.deliver("123")
    completed = await kit.kiwi.rentals.done(ada.id, rental.id)
    assert (completed.state, completed.messages[0].code) == (State.COMPLETED, "123")
    assert await money(kit, ada) == ("9.61", "0.00")


async def test_done_shows_a_further_code_that_came_before_it(
    kit: Kit, ada: Account, rental: Rental
) -> None:
    kit.provider.deliver("123")
    kit.clock.advance(3)
    await kit.kiwi.rentals.get(ada.id, rental.id)
    kit.provider.deliver("456")
    completed = await kit.kiwi.rentals.done(ada.id, rental.id)
    assert [message.code for message in completed.messages] == ["123", "456"]
    assert await money(kit, ada) == ("9.61", "0.00")


async def test_done_after_a_code_needs_no_look_that_succeeds(
    kit: Kit, ada: Account, rental: Rental
) -> None:
    kit.provider.deliver("123")
    kit.clock.advance(3)
    await kit.kiwi.rentals.get(ada.id, rental.id)
    kit.provider.on_look.next(Unknown("down"))
    assert (await kit.kiwi.rentals.done(ada.id, rental.id)).state is State.COMPLETED


async def test_done_shows_a_code_that_came_while_it_was_said(
    kit: Kit, ada: Account, rental: Rental
) -> None:
    async def a_code_comes() -> None:
        kit.provider.deliver("123")

    kit.provider.on_look.next(meanwhile=a_code_comes)
    completed = await kit.kiwi.rentals.done(ada.id, rental.id)
    assert completed.messages[0].code == "123"
    assert await money(kit, ada) == ("9.61", "0.00")


async def test_done_of_what_upstream_cancelled_is_not_paid(
    kit: Kit, ada: Account, rental: Rental
) -> None:
    assert rental.activation_id is not None
    kit.provider.upstream.withdraw(rental.activation_id, kit.clock.now())
    with pytest.raises(RentalNotFound):
        await kit.kiwi.rentals.done(ada.id, rental.id)
    assert await state(kit, rental) is State.CANCELLED
    assert await money(kit, ada) == ("10.00", "0.00")


@pytest.mark.parametrize("which", ["look", "finish"])
async def test_done_that_upstream_does_not_hear_changes_nothing(
    kit: Kit, ada: Account, rental: Rental, which: str
) -> None:
    if which == "look":
        kit.provider.on_look.next(Unknown("down"))
    else:
        kit.provider.on_finish.next(Unknown("down"))
    with pytest.raises(ProviderFailed):
        await kit.kiwi.rentals.done(ada.id, rental.id)
    assert await state(kit, rental) is State.WAITING
    assert await money(kit, ada) == ("9.61", "0.39")


async def test_a_finished_number_is_not_taken_for_a_cancelled_one(
    kit: Kit, ada: Account, rental: Rental
) -> None:
    kit.provider.on_look.next(Waiting())
    kit.provider.on_finish.next(Finished())
    kit.provider.on_look.next(Cancelled())
    assert (await kit.kiwi.rentals.done(ada.id, rental.id)).state is State.COMPLETED
    assert await money(kit, ada) == ("9.61", "0.00")


async def test_cancel_done_and_a_code_at_once_agree(kit: Kit, ada: Account) -> None:
    for order in range(6):
        rental = await kit.kiwi.rentals.rent(ada.id, service="go")
        before = await kit.kiwi.wallet.balance(ada.id)

        async def deliver() -> None:
            kit.provider.deliver("1")

        acts = [
            kit.kiwi.rentals.cancel(ada.id, rental.id),
            kit.kiwi.rentals.done(ada.id, rental.id),
            deliver(),
        ]
        acts = acts[order % 3 :] + acts[: order % 3]
        await asyncio.gather(*acts, return_exceptions=True)
        kit.clock.advance(SESSION)
        await kit.work()
        after = await kit.kiwi.rentals.find(rental.id)
        wallet = await kit.kiwi.wallet.balance(ada.id)
        paid = after.state is State.COMPLETED
        assert after.state in {State.COMPLETED, State.CANCELLED}
        assert wallet.held.micros == 0
        assert wallet.available == before.available + (wallet.held if paid else rental.price)
        assert (await kit.kiwi.wallet.audit()).balanced


async def test_a_rental_runs_out_after_one_last_look(
    kit: Kit, ada: Account, rental: Rental
) -> None:
    kit.clock.advance(SESSION)
    await kit.work()
    assert await state(kit, rental) is State.EXPIRED
    assert await money(kit, ada) == ("10.00", "0.00")
    assert kit.provider.on_look.calls >= 1


async def test_a_code_seen_by_the_last_look_is_shown_and_paid(
    kit: Kit, ada: Account, rental: Rental
) -> None:
    kit.provider.deliver("123")
    kit.clock.advance(SESSION)
    await kit.work()
    ended = await kit.kiwi.rentals.get(ada.id, rental.id)
    assert (ended.state, ended.messages[0].code) == (State.COMPLETED, "123")
    assert await money(kit, ada) == ("9.61", "0.00")


async def test_a_rental_never_runs_out_without_a_look(
    kit: Kit, ada: Account, rental: Rental
) -> None:
    kit.provider.on_look.next(Unknown("down"), times=10_000)
    kit.clock.advance(SESSION)
    await kit.work()
    for _ in range(100):
        kit.clock.advance(60)
        await kit.work()
    assert await state(kit, rental) is State.WAITING
    assert not await kit.kiwi.rentals.active(ada.id)
    kit.provider.on_look.clear()
    kit.clock.advance(60)
    await kit.work()
    assert await state(kit, rental) is State.EXPIRED


async def test_a_number_that_still_waits_at_the_end_is_handed_back_upstream(
    kit: Kit, ada: Account
) -> None:
    kit.provider.upstream.session = timedelta(hours=5)
    await kit.kiwi.rentals.rent(ada.id, service="go")
    kit.clock.advance(SESSION)
    await kit.work()
    upstream = kit.provider.upstream
    assert upstream.refunded == upstream.charged
    assert await money(kit, ada) == ("10.00", "0.00")


async def test_a_code_that_comes_while_the_number_is_handed_back_wins(
    kit: Kit, ada: Account
) -> None:
    kit.provider.upstream.session = timedelta(hours=5)
    rental = await kit.kiwi.rentals.rent(ada.id, service="go")

    async def a_code_comes() -> None:
        kit.provider.deliver("123")

    kit.clock.advance(SESSION)
    kit.provider.on_look.next(meanwhile=a_code_comes)
    await kit.work()
    ended = await kit.kiwi.rentals.get(ada.id, rental.id)
    assert (ended.state, len(ended.messages)) == (State.COMPLETED, 1)
    assert await money(kit, ada) == ("9.61", "0.00")


@pytest.mark.parametrize("answer", [Unknown("reset"), TooEarly(), Ambiguous()])
async def test_a_number_whose_hand_back_failed_does_not_run_out_yet(
    kit: Kit, ada: Account, answer: Unknown | TooEarly | Ambiguous
) -> None:
    kit.provider.upstream.session = timedelta(hours=5)
    rental = await kit.kiwi.rentals.rent(ada.id, service="go")
    kit.clock.advance(SESSION)
    kit.provider.on_cancel.next(answer)
    await kit.work()
    assert await state(kit, rental) is State.WAITING
    kit.provider.deliver("123")
    kit.clock.advance(60)
    await kit.work()
    ended = await kit.kiwi.rentals.get(ada.id, rental.id)
    assert (ended.state, len(ended.messages)) == (State.COMPLETED, 1)
    assert await money(kit, ada) == ("9.61", "0.00")


async def test_what_upstream_cancels_costs_nothing(kit: Kit, ada: Account, rental: Rental) -> None:
    assert rental.activation_id is not None
    kit.provider.upstream.withdraw(rental.activation_id, kit.clock.now())
    kit.clock.advance(3)
    assert (await kit.kiwi.rentals.get(ada.id, rental.id)).state is State.CANCELLED
    assert await money(kit, ada) == ("10.00", "0.00")


async def test_a_number_that_upstream_forgot_is_kept_until_the_end(
    kit: Kit, ada: Account, rental: Rental
) -> None:
    kit.provider.on_look.next(Gone(), times=10_000)
    kit.clock.advance(SESSION - 10)
    assert (await kit.kiwi.rentals.get(ada.id, rental.id)).state is State.WAITING
    kit.clock.advance(10)
    await kit.work()
    assert await state(kit, rental) is State.EXPIRED


async def test_background_work_finds_a_code_that_nobody_asks_for(
    kit: Kit, ada: Account, rental: Rental
) -> None:
    kit.provider.deliver("123")
    kit.clock.advance(3)
    await kit.work()
    assert (await kit.kiwi.rentals.get(ada.id, rental.id, sync=False)).state is State.RECEIVED


async def test_codes_come_as_they_arrive_and_end_with_the_rental(
    kit: Kit, ada: Account, rental: Rental
) -> None:
    codes: list[str] = []

    async def listen() -> None:
        codes.extend([code async for code in kit.kiwi.rentals.codes(ada.id, rental.id)])

    listening = asyncio.create_task(listen())
    for code in ("001", "002"):
        kit.provider.deliver(code)
        for _ in range(3):
            await settle()
            kit.clock.advance(3)
    kit.clock.advance(SESSION)
    await settle()
    await asyncio.wait_for(listening, 5)
    assert codes == ["001", "002"]
    assert await state(kit, rental) is State.COMPLETED


async def settle() -> None:
    for _ in range(50):
        await asyncio.sleep(0)


async def test_a_provider_that_must_be_asked_for_more_is_asked(kit: Kit, ada: Account) -> None:
    kit.provider.upstream.asks_for_next = True
    rental = await kit.kiwi.rentals.rent(ada.id, service="am")
    for code in ("1", "2", "3"):
        kit.provider.deliver(code)
        kit.clock.advance(15)
        await kit.work()
        kit.clock.advance(15)
        await kit.work()
    seen = await kit.kiwi.rentals.get(ada.id, rental.id)
    assert [message.code for message in seen.messages] == ["1", "2", "3"]


async def test_the_history_says_who_did_what(kit: Kit, ada: Account, rental: Rental) -> None:
    kit.provider.deliver("1")
    kit.clock.advance(3)
    await kit.work()
    await kit.kiwi.rentals.done(ada.id, rental.id, by="key")
    ended = await kit.kiwi.rentals.find(rental.id)
    history = [
        (step.state, step.messages, step.by) for step in await kit.kiwi.rentals.history(ended)
    ]
    assert history == [
        (State.REQUESTED, 0, "app"),
        (State.WAITING, 0, "app"),
        (State.RECEIVED, 1, "worker"),
        (State.COMPLETED, 1, "key"),
    ]


async def test_a_look_that_shows_a_message_without_its_text_shows_nothing_new(
    kit: Kit, ada: Account, rental: Rental
) -> None:
    await kit.kiwi.webhooks.set(ada.id, "https://example.com/hook")
    code = Code("0042")
    for seen in (Received(code=code, text="G-0042"), Received(code=code)):
        kit.provider.on_look.next(seen)
        kit.clock.advance(3)
        await kit.kiwi.rentals.get(ada.id, rental.id)
    (message,) = (await kit.kiwi.rentals.find(rental.id)).messages
    assert message.text == "G-0042"
    assert len(await kit.kiwi.webhooks.deliveries(ada.id)) == 1
