"""A number about which upstream is silent: who is informed, and how its rental ends."""

from collections.abc import AsyncIterator
from contextlib import suppress
from datetime import timedelta

import pytest

from kiwisms.application.errors import ProviderFailed
from kiwisms.domain.account import Account
from kiwisms.domain.catalog import ServiceUnavailable
from kiwisms.domain.errors import ValidationRefused
from kiwisms.domain.ids import RentalId
from kiwisms.domain.incident import Incident, IncidentKind
from kiwisms.domain.pace import Pace
from kiwisms.domain.rental import CancelNotAllowed, GiveUpNotAllowed, Rental, RentalNotFound
from kiwisms.domain.rental_state import State
from kiwisms.domain.terms import Terms
from kiwisms.domain.trail import Action
from kiwisms.ports.provider import Refusal, Refused, Unknown, Waiting
from kiwisms.testing.kit import Kit

PACE = Pace()
REVOKED = Refused(Refusal.BAD_KEY)
SILENT, GIVEN_UP = IncidentKind.PROVIDER_SILENT, IncidentKind.GIVEN_UP
FOR_EVER = 1_000_000
PATIENCE = PACE.give_up_after * PACE.look_silent
NOT_ASKED = Unknown("nothing was asked: no place", asked=False)


@pytest.fixture
async def rental(kit: Kit, ada: Account) -> Rental:
    return await kit.kiwi.rentals.rent(ada.id, service="go")


@pytest.fixture(autouse=True)
async def _books_balance(kit: Kit) -> AsyncIterator[None]:
    yield
    assert (await kit.kiwi.wallet.audit()).violations == ()


def fall_silent(kit: Kit, answer: Refused | Unknown = REVOKED) -> None:
    for script in (kit.provider.on_look, kit.provider.on_cancel, kit.provider.on_finish):
        script.next(answer, times=FOR_EVER)


def answer_again(kit: Kit) -> None:
    for script in (kit.provider.on_look, kit.provider.on_cancel, kit.provider.on_finish):
        script.clear()


async def pass_time(kit: Kit, time: timedelta, step: timedelta = timedelta(minutes=1)) -> None:
    """Let the background work all the while."""
    end = kit.clock.now() + time
    while kit.clock.now() < end:
        kit.clock.advance(min(step, end - kit.clock.now()).total_seconds())
        await kit.work()


async def be_silent(kit: Kit) -> None:
    """Let a session run out, and so much more that its rental is silent."""
    await pass_time(kit, PACE.session + PACE.silent_after)


async def state(kit: Kit, rental: Rental) -> State:
    return (await kit.kiwi.rentals.find(rental.id)).state


async def incidents(kit: Kit, kind: IncidentKind) -> list[Incident]:
    return [each for each in await kit.kiwi.incidents.all() if each.kind is kind]


async def told_of(kit: Kit) -> Incident:
    """The one incident of a silence."""
    (told,) = await incidents(kit, SILENT)
    return told


async def money(kit: Kit, account: Account) -> tuple[str, str]:
    wallet = await kit.kiwi.wallet.balance(account.id)
    return str(wallet.available), str(wallet.held)


async def test_the_operator_is_told_once_which_number_upstream_is_silent_about_and_why(
    kit: Kit, ada: Account, rental: Rental
) -> None:
    fall_silent(kit)
    await pass_time(kit, PACE.session + PACE.silent_after - timedelta(seconds=1))
    assert await kit.kiwi.incidents.all() == []
    await pass_time(kit, timedelta(hours=1))
    (told,) = await kit.kiwi.incidents.all()
    assert (told.kind, told.rental_id, told.is_open) == (SILENT, rental.id, True)
    assert told.activation_id == rental.activation_id
    assert "BAD_KEY" in told.detail
    assert await state(kit, rental) is State.WAITING
    assert await money(kit, ada) == ("9.61", "0.39")


async def test_upstream_is_asked_seldom_about_a_silent_number(kit: Kit, rental: Rental) -> None:
    del rental
    fall_silent(kit)
    await be_silent(kit)
    before = kit.provider.on_look.calls
    await pass_time(kit, timedelta(minutes=5), step=timedelta(seconds=3))
    assert 4 <= kit.provider.on_look.calls - before <= 5


async def test_whoever_polls_does_not_put_off_the_look_that_counts(
    kit: Kit, ada: Account, rental: Rental
) -> None:
    fall_silent(kit)
    await be_silent(kit)
    before = (await told_of(kit)).unanswered
    for _ in range(100):
        await pass_time(kit, timedelta(seconds=3), step=timedelta(seconds=3))
        await kit.kiwi.rentals.get(ada.id, rental.id)
    assert 4 <= (await told_of(kit)).unanswered - before <= 5


async def test_whoever_cancels_again_and_again_does_not_put_it_off_either(
    kit: Kit, ada: Account, rental: Rental
) -> None:
    fall_silent(kit)
    await pass_time(kit, PACE.session)
    for _ in range(900):
        with pytest.raises(ProviderFailed):
            await kit.kiwi.rentals.cancel(ada.id, rental.id)
        await pass_time(kit, timedelta(seconds=1))
    assert 5 <= (await told_of(kit)).unanswered <= 6


async def test_a_code_from_before_the_end_is_shown_and_paid_after_an_outage_of_an_hour(
    kit: Kit, ada: Account, rental: Rental
) -> None:
    kit.provider.deliver("0042")
    fall_silent(kit, Unknown("TimeoutError"))
    await pass_time(kit, PACE.session + timedelta(hours=1))
    answer_again(kit)
    await pass_time(kit, PACE.look_silent)
    found = await kit.kiwi.rentals.find(rental.id)
    assert (found.state, [each.code for each in found.messages]) == (State.COMPLETED, ["0042"])
    assert await money(kit, ada) == ("9.61", "0.00")
    (told,) = await kit.kiwi.incidents.all()
    assert told.resolution == "the rental is COMPLETED"


async def test_a_number_without_a_code_is_given_back_after_an_outage(
    kit: Kit, ada: Account, rental: Rental
) -> None:
    fall_silent(kit)
    await be_silent(kit)
    answer_again(kit)
    await pass_time(kit, PACE.look_silent)
    assert await state(kit, rental) is State.EXPIRED
    assert await money(kit, ada) == ("10.00", "0.00")
    assert [each.resolution for each in await kit.kiwi.incidents.all()] == ["the rental is EXPIRED"]


async def test_a_customer_who_cancels_when_upstream_answers_again_ends_the_silence(
    kit: Kit, ada: Account, rental: Rental
) -> None:
    fall_silent(kit)
    await be_silent(kit)
    with pytest.raises(ProviderFailed):
        await kit.kiwi.rentals.cancel(ada.id, rental.id)
    answer_again(kit)
    await kit.kiwi.rentals.cancel(ada.id, rental.id)
    (told,) = await kit.kiwi.incidents.all()
    assert told.resolution == "the rental is CANCELLED"


async def test_what_is_silent_for_all_patience_is_given_up(
    kit: Kit, ada: Account, rental: Rental
) -> None:
    fall_silent(kit)
    await be_silent(kit)
    await pass_time(kit, PATIENCE - timedelta(minutes=1))
    assert await state(kit, rental) is State.WAITING
    await pass_time(kit, PACE.look_silent)
    assert await state(kit, rental) is State.EXPIRED
    assert await money(kit, ada) == ("10.00", "0.00")
    (lost,) = await incidents(kit, GIVEN_UP)
    assert (lost.activation_id, lost.is_open) == (rental.activation_id, True)
    assert lost.detail == (
        "upstream may have charged for it: upstream reported nothing for too long: BAD_KEY"
    )
    assert [each.is_open for each in await incidents(kit, SILENT)] == [False]
    (step,) = (await kit.kiwi.rentals.history(await kit.kiwi.rentals.find(rental.id)))[2:]
    assert (step.state, step.by) == (State.EXPIRED, "worker")


async def test_servers_that_were_stopped_for_a_day_ask_for_all_patience_before_they_give_up(
    kit: Kit, ada: Account, rental: Rental
) -> None:
    kit.provider.deliver("0042")
    fall_silent(kit)
    await be_silent(kit)
    kit.clock.advance(timedelta(hours=25).total_seconds())
    await kit.work()
    assert await state(kit, rental) is State.WAITING
    answer_again(kit)
    await pass_time(kit, PACE.look_silent)
    assert await state(kit, rental) is State.COMPLETED
    assert await money(kit, ada) == ("9.61", "0.00")


async def test_a_look_that_was_not_asked_wears_no_patience(kit: Kit, rental: Rental) -> None:
    fall_silent(kit)
    await be_silent(kit)
    await pass_time(kit, PATIENCE - timedelta(minutes=1))
    answer_again(kit)
    fall_silent(kit, NOT_ASKED)
    await pass_time(kit, timedelta(hours=1))
    assert await state(kit, rental) is State.WAITING
    assert (await told_of(kit)).unanswered == PACE.give_up_after
    answer_again(kit)
    fall_silent(kit)
    await pass_time(kit, PACE.look_silent)
    assert await state(kit, rental) is State.EXPIRED


async def test_the_operator_is_told_of_what_cannot_even_be_asked(kit: Kit, rental: Rental) -> None:
    fall_silent(kit, NOT_ASKED)
    await be_silent(kit)
    told = await told_of(kit)
    assert (told.rental_id, told.unanswered) == (rental.id, 0)
    assert "no place" in told.detail


async def test_a_number_that_cannot_be_handed_back_as_nobody_asked_wears_no_patience(
    kit: Kit, rental: Rental
) -> None:
    kit.provider.on_look.next(Waiting(), times=FOR_EVER)
    kit.provider.on_cancel.next(NOT_ASKED, times=FOR_EVER)
    await be_silent(kit)
    await pass_time(kit, timedelta(minutes=5))
    assert await state(kit, rental) is State.WAITING
    assert (await told_of(kit)).unanswered == 0


@pytest.mark.parametrize("ask", ["cancel", "done", "get"])
async def test_a_customer_who_asks_is_never_the_one_who_gives_a_number_up(
    kit: Kit, ada: Account, rental: Rental, ask: str
) -> None:
    fall_silent(kit)
    await be_silent(kit)
    await pass_time(kit, PATIENCE - timedelta(minutes=1))
    kit.clock.advance(PACE.look_silent.total_seconds())
    with suppress(ProviderFailed):
        await getattr(kit.kiwi.rentals, ask)(ada.id, rental.id)
    assert await state(kit, rental) is State.WAITING
    await pass_time(kit, PACE.look_silent)
    assert await state(kit, rental) is State.EXPIRED
    did = {entry.action: entry.by for entry in await kit.kiwi.trail.of(ada.id)}
    assert did[Action.RENTAL_GIVEN_UP] == did[Action.INCIDENT_RESOLVED] == "worker"


async def test_what_the_operator_has_resolved_is_not_told_again_and_patience_ends_all_the_same(
    kit: Kit, rental: Rental
) -> None:
    fall_silent(kit)
    await be_silent(kit)
    (told,) = await kit.kiwi.incidents.all()
    await kit.kiwi.incidents.resolve(told.id, note="the provider is closed")
    await pass_time(kit, PATIENCE + PACE.look_silent)
    assert await state(kit, rental) is State.EXPIRED
    assert [each.resolution for each in await incidents(kit, SILENT)] == ["the provider is closed"]


async def test_the_operator_gives_a_silent_rental_up(
    kit: Kit, ada: Account, rental: Rental
) -> None:
    fall_silent(kit)
    await be_silent(kit)
    given_up = await kit.kiwi.rentals.give_up(rental.id, reason="the provider is closed")
    assert given_up.state is State.EXPIRED
    assert await money(kit, ada) == ("10.00", "0.00")
    (lost,) = await kit.kiwi.incidents.all(open_only=True)
    assert (lost.kind, lost.activation_id) == (GIVEN_UP, rental.activation_id)
    assert lost.detail == "upstream may have charged for it: the provider is closed"
    (entry,) = [
        each for each in await kit.kiwi.trail.of(ada.id) if each.action is Action.RENTAL_GIVEN_UP
    ]
    assert (entry.by, entry.subject, entry.detail) == ("app", rental.id, "the provider is closed")
    told = [line.what for line in await kit.kiwi.trail.of_rental(given_up)]
    assert {"EXPIRED", "RENTAL_GIVEN_UP", "GIVEN_UP", "INCIDENT_RESOLVED"} <= set(told)
    with pytest.raises(GiveUpNotAllowed):
        await kit.kiwi.rentals.give_up(rental.id, reason="again")
    with pytest.raises(CancelNotAllowed):
        await kit.kiwi.rentals.cancel(ada.id, rental.id)
    with pytest.raises(RentalNotFound):
        await kit.kiwi.rentals.done(ada.id, rental.id)


async def test_a_number_that_is_given_up_frees_its_place_for_another() -> None:
    kit = Kit(terms=Terms(provider_max_waiting=1))
    bob = await kit.customer("10.00")
    rental = await kit.kiwi.rentals.rent(bob.id, service="go")
    fall_silent(kit)
    await be_silent(kit)
    with pytest.raises(ServiceUnavailable):
        await kit.kiwi.rentals.rent(bob.id, service="go")
    await kit.kiwi.rentals.give_up(rental.id, reason="the key was revoked")
    assert (await kit.kiwi.rentals.rent(bob.id, service="go")).state is State.WAITING


async def test_upstream_is_asked_one_last_time_and_its_answer_counts(
    kit: Kit, ada: Account, rental: Rental
) -> None:
    kit.provider.deliver("0042")
    fall_silent(kit)
    await be_silent(kit)
    answer_again(kit)
    ended = await kit.kiwi.rentals.give_up(rental.id, reason="it will never answer")
    assert ended.state is State.COMPLETED
    assert [each.code for each in ended.messages] == ["0042"]
    assert await money(kit, ada) == ("9.61", "0.00")
    assert await incidents(kit, GIVEN_UP) == []
    assert await kit.kiwi.incidents.all(open_only=True) == []


async def test_what_is_paid_runs_out_when_it_is_silent_and_nobody_is_told(
    kit: Kit, ada: Account, rental: Rental
) -> None:
    kit.provider.deliver("0042")
    await pass_time(kit, timedelta(minutes=1))
    fall_silent(kit)
    kit.clock.advance((PACE.session + PACE.longest_silence).total_seconds() - 61)
    await kit.work()
    assert await state(kit, rental) is State.RECEIVED
    with pytest.raises(GiveUpNotAllowed):
        await kit.kiwi.rentals.give_up(rental.id, reason="the provider is closed")
    kit.clock.advance(60)
    await kit.work()
    assert await state(kit, rental) is State.COMPLETED
    assert await money(kit, ada) == ("9.61", "0.00")
    assert await kit.kiwi.incidents.all() == []


async def test_what_is_paid_does_not_run_out_while_upstream_is_not_asked(
    kit: Kit, rental: Rental
) -> None:
    kit.provider.deliver("0042")
    await pass_time(kit, timedelta(minutes=1))
    kit.provider.deliver("0043")
    fall_silent(kit, NOT_ASKED)
    await pass_time(kit, PACE.session + timedelta(hours=1))
    answer_again(kit)
    await pass_time(kit, PACE.look_silent)
    found = await kit.kiwi.rentals.find(rental.id)
    assert [each.code for each in found.messages] == ["0042", "0043"]
    assert await kit.kiwi.incidents.all() == []


async def test_an_operator_with_a_wrong_key_ends_nothing_that_no_server_found_silent(
    kit: Kit, ada: Account, rental: Rental
) -> None:
    kit.provider.deliver("0042")
    kit.clock.advance((PACE.session + PACE.silent_after).total_seconds())
    fall_silent(kit)
    with pytest.raises(GiveUpNotAllowed):
        await kit.kiwi.rentals.give_up(rental.id, reason="the key here is an old one")
    answer_again(kit)
    await pass_time(kit, PACE.look_silent)
    assert await state(kit, rental) is State.COMPLETED
    assert await money(kit, ada) == ("9.61", "0.00")


async def test_the_operator_may_have_resolved_the_incident_before(kit: Kit, rental: Rental) -> None:
    fall_silent(kit)
    await be_silent(kit)
    await kit.kiwi.incidents.resolve((await told_of(kit)).id, note="the provider is closed")
    given_up = await kit.kiwi.rentals.give_up(rental.id, reason="the provider is closed")
    assert given_up.state is State.EXPIRED


async def test_nothing_is_given_up_when_the_last_question_was_not_asked(
    kit: Kit, rental: Rental
) -> None:
    fall_silent(kit)
    await be_silent(kit)
    answer_again(kit)
    fall_silent(kit, NOT_ASKED)
    with pytest.raises(ProviderFailed, match="one last time"):
        await kit.kiwi.rentals.give_up(rental.id, reason="the provider is closed")
    assert await state(kit, rental) is State.WAITING


async def test_nobody_reads_the_balance_for_a_number_that_is_known(kit: Kit, ada: Account) -> None:
    rentals = [await kit.kiwi.rentals.rent(ada.id, service="go") for _ in range(3)]
    fall_silent(kit)
    await be_silent(kit)
    before = kit.provider.on_balance.calls
    await pass_time(kit, timedelta(minutes=10))
    for rental in rentals:
        await kit.kiwi.rentals.give_up(rental.id, reason="the key was revoked")
    await pass_time(kit, timedelta(minutes=30))
    assert kit.provider.on_balance.calls == before
    assert [each.due_at for each in await kit.kiwi.incidents.all()] == [None] * 6


async def test_nobody_pays_for_a_done_of_which_upstream_told_nothing(
    kit: Kit, ada: Account, rental: Rental
) -> None:
    kit.provider.on_finish.next(Unknown("lost"))
    with pytest.raises(ProviderFailed):
        await kit.kiwi.rentals.done(ada.id, rental.id)
    fall_silent(kit)
    await be_silent(kit)
    assert (await kit.kiwi.rentals.give_up(rental.id, reason="x")).state is State.EXPIRED
    assert await money(kit, ada) == ("10.00", "0.00")


async def test_what_upstream_may_still_tell_is_not_given_up(kit: Kit, rental: Rental) -> None:
    fall_silent(kit)
    await pass_time(kit, PACE.session)
    with pytest.raises(GiveUpNotAllowed):
        await kit.kiwi.rentals.give_up(rental.id, reason="impatience")
    assert await state(kit, rental) is State.WAITING
    with pytest.raises(RentalNotFound):
        await kit.kiwi.rentals.give_up(RentalId("nobody's"), reason="x")


@pytest.mark.parametrize("reason", ["", "  ", "a\nb", "x" * 501])
async def test_giving_up_needs_a_reason(kit: Kit, rental: Rental, reason: str) -> None:
    fall_silent(kit)
    await be_silent(kit)
    with pytest.raises(ValidationRefused):
        await kit.kiwi.rentals.give_up(rental.id, reason=reason)
    assert await state(kit, rental) is State.WAITING
