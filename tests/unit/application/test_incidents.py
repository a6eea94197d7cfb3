"""What becomes of a number whose rent nobody heard the answer of."""

import asyncio
from collections.abc import Sequence
from contextlib import suppress

import pytest
from attrs import evolve

from kiwisms.adapters.memory import MemoryStore
from kiwisms.application.errors import ProviderFailed
from kiwisms.domain.account import Account
from kiwisms.domain.ids import AccountId, ActivationId, IncidentId
from kiwisms.domain.incident import Incident, IncidentKind, IncidentNotFound, IncidentResolved
from kiwisms.domain.money import Money
from kiwisms.domain.push import PushedMessage
from kiwisms.domain.rental import Rental
from kiwisms.domain.rental_state import State
from kiwisms.ports.provider import Gone, NumberOrder, Rented, TooEarly, Unknown
from kiwisms.testing.kit import Kit

LOST = Unknown("timed out")


async def lose(kit: Kit, account: Account, service: str = "go") -> str:
    """Rent a number whose answer is lost, and give upstream's id of it."""
    kit.provider.on_rent.next(LOST, acts=True)
    with pytest.raises(ProviderFailed):
        await kit.kiwi.rentals.rent(account.id, service=service)
    return list(kit.provider.upstream.activations)[-1]


async def push(kit: Kit, number: str, code: str = "0042", service: str = "go") -> None:
    await kit.kiwi.pushes.accept(
        PushedMessage.parse(
            message_id=f"{number}-{code}",
            activation_id=number,
            service=service,
            code=code,
            text=code,
            at=kit.clock.now(),
        )
    )


async def work(kit: Kit, seconds: float = 60) -> None:
    kit.clock.advance(seconds)
    await kit.work()


async def the_incident(kit: Kit) -> Incident:
    (incident,) = await kit.kiwi.incidents.all()
    return incident


async def test_it_tells_the_balance_before_and_after(kit: Kit, ada: Account) -> None:
    await kit.kiwi.background.refresh_balance()
    told_at = kit.clock.now()
    kit.clock.advance(5)
    await lose(kit, ada)
    assert kit.provider.on_balance.calls == 1, "the customer waited for the balance"
    await kit.work()
    incident = await the_incident(kit)
    assert incident.before is not None
    assert incident.after is not None
    assert (str(incident.before.amount), incident.before.at) == ("100.00", told_at)
    assert str(incident.after.amount) == "99.70"


async def test_a_balance_from_after_the_request_is_not_the_one_before(
    kit: Kit, ada: Account
) -> None:
    async def meanwhile() -> None:
        kit.clock.advance(5)
        await kit.kiwi.background.refresh_balance()

    kit.provider.on_rent.next(LOST, acts=True, meanwhile=meanwhile)
    with pytest.raises(ProviderFailed):
        await kit.kiwi.rentals.rent(ada.id, service="go")
    assert (await the_incident(kit)).before is None


async def test_the_balance_is_kept_at_a_pace(kit: Kit) -> None:
    for _ in range(5):
        await kit.kiwi.background.refresh_balance()
    assert kit.provider.on_balance.calls == 1
    kit.provider.on_balance.next(LOST)
    kit.clock.advance(60)
    for _ in range(5):
        await kit.kiwi.background.refresh_balance()
    assert kit.provider.on_balance.calls == 2


async def test_a_balance_that_is_not_told_is_asked_for_again(kit: Kit, ada: Account) -> None:
    await lose(kit, ada)
    kit.provider.on_balance.next(LOST)
    await kit.work()
    assert (await the_incident(kit)).after is None
    await work(kit)
    assert (await the_incident(kit)).after is not None


async def test_a_pushed_message_finds_the_number_and_tells_that_it_was_charged(
    kit: Kit, ada: Account
) -> None:
    number = await lose(kit, ada)
    kit.provider.deliver("0042")
    await push(kit, number)
    assert [each.activation_id for each in await kit.kiwi.incidents.orphans()] == [number]
    await work(kit)
    incident = await the_incident(kit)
    assert incident.activation_id == number
    assert incident.resolution == f"number {number} had a message: upstream charged"
    assert incident.due_at is None
    assert await kit.kiwi.incidents.orphans() == []
    assert kit.provider.upstream.refunded == Money(0)


async def test_a_list_finds_the_number_and_it_is_given_back(kit: Kit, ada: Account) -> None:
    kit.provider.upstream.lists_active = True
    kept = await kit.kiwi.rentals.rent(ada.id, service="go")
    number = await lose(kit, ada)
    await work(kit, 1)
    incident = await the_incident(kit)
    assert (incident.activation_id, incident.is_open) == (number, False)
    assert incident.resolution == f"number {number} was cancelled upstream"
    assert str(kit.provider.upstream.refunded) == "0.30"
    assert (await kit.kiwi.rentals.get(ada.id, kept.id)).is_active(kit.clock.now())


async def test_two_lost_requests_are_not_guessed_about(kit: Kit, ada: Account) -> None:
    first, second = await lose(kit, ada), await lose(kit, ada)
    await push(kit, first)
    await work(kit)
    assert all(each.activation_id is None for each in await kit.kiwi.incidents.all())
    one, _ = await kit.kiwi.incidents.all()
    await kit.kiwi.incidents.resolve(one.id, note="seen in upstream's list")
    await work(kit)
    assert first in {each.activation_id for each in await kit.kiwi.incidents.all()}
    assert second not in {each.activation_id for each in await kit.kiwi.incidents.all()}


class NamingStore(MemoryStore):
    """A store in which another process names a number just before it is asked for rentals."""

    named: Incident | None = None

    async def rentals(
        self, *, account_id: AccountId | None, state: State | None, limit: int
    ) -> Sequence[Rental]:
        if self.named is not None:
            async with self.transaction(self.named.account_id) as tx:
                tx.save(self.named)
        return await super().rentals(account_id=account_id, state=state, limit=limit)


@pytest.mark.parametrize("resolved", [False, True])
async def test_a_number_that_another_process_has_just_matched_is_not_matched_again(
    resolved: bool,
) -> None:
    kit = Kit(store=(store := NamingStore()))
    kit.provider.upstream.lists_active = True
    ada = await kit.customer("10.00")
    number = await lose(kit, ada)
    kit.provider.on_rent.next(LOST)
    with pytest.raises(ProviderFailed):
        await kit.kiwi.rentals.rent(ada.id, service="go")
    second, first = await kit.kiwi.incidents.all()
    store.named = evolve(first, activation_id=ActivationId(number), due_at=None)
    if resolved:
        store.named = store.named.resolve("cancelled", kit.clock.now())
    await kit.kiwi.background.trace(second)
    assert (await kit.kiwi.incidents.find(second.id)).activation_id is None


async def test_two_unknown_numbers_are_not_guessed_about(kit: Kit, ada: Account) -> None:
    number = await lose(kit, ada)
    await push(kit, number)
    await push(kit, "777")
    await push(kit, "888", service="am")
    await work(kit)
    assert (await the_incident(kit)).activation_id is None
    assert kit.provider.on_cancel.calls == 0
    assert {each.activation_id for each in await kit.kiwi.incidents.orphans()} == {
        number,
        "777",
        "888",
    }


async def test_a_number_that_is_being_rented_just_now_is_nobodys_orphan(
    kit: Kit, ada: Account
) -> None:
    kit.provider.upstream.lists_active = True
    kit.provider.on_rent.next(LOST)
    with pytest.raises(ProviderFailed):
        await kit.kiwi.rentals.rent(ada.id, service="go")

    async def meanwhile() -> None:
        # Upstream has rented it out and told of it, and the answer is on its way.
        await push(kit, list(kit.provider.upstream.activations)[-1])
        await work(kit, 20)

    kit.provider.on_rent.next(meanwhile=meanwhile)
    rental = await kit.kiwi.rentals.rent(ada.id, service="go")
    await work(kit)
    assert kit.provider.on_cancel.calls == 0
    assert (await the_incident(kit)).is_open
    assert (await kit.kiwi.rentals.find(rental.id)).is_active(kit.clock.now())


@pytest.mark.parametrize("answer", [LOST, TooEarly()])
async def test_a_number_that_could_not_be_given_back_is_given_back_later(
    kit: Kit, ada: Account, answer: Unknown | TooEarly
) -> None:
    kit.provider.upstream.lists_active = True
    number = await lose(kit, ada)
    kit.provider.on_cancel.next(answer)
    await work(kit, 1)
    incident = await the_incident(kit)
    assert (incident.activation_id, incident.is_open) == (number, True)
    await work(kit)
    assert not (await the_incident(kit)).is_open
    assert kit.provider.upstream.refunded == kit.provider.upstream.charged


async def test_a_number_that_upstream_knows_no_more_stays_open(kit: Kit, ada: Account) -> None:
    number = await lose(kit, ada)
    await push(kit, number)
    kit.provider.on_cancel.next(Gone())
    await work(kit)
    incident = await the_incident(kit)
    assert (incident.activation_id, incident.is_open) == (number, True)
    assert incident.detail == f"timed out; upstream no longer knows number {number}"
    assert incident.due_at is None


async def test_a_number_that_came_too_late_is_known_and_given_back(kit: Kit, ada: Account) -> None:
    async def too_long() -> None:
        await work(kit, kit.terms.pace.request_timeout.total_seconds())

    kit.provider.on_rent.next(meanwhile=too_long)
    with pytest.raises(ProviderFailed):
        await kit.kiwi.rentals.rent(ada.id, service="go")
    await work(kit)
    late = next(
        each for each in await kit.kiwi.incidents.all() if each.kind is IncidentKind.ANSWER_TOO_LATE
    )
    assert late.activation_id in kit.provider.upstream.activations
    assert late.resolution == f"number {late.activation_id} was cancelled upstream"


async def test_a_number_of_a_rental_is_never_cancelled_for_an_incident(
    kit: Kit, ada: Account
) -> None:
    rental = await kit.kiwi.rentals.rent(ada.id, service="go")
    kit.provider.on_cancel.next(LOST)
    kit.provider.on_look.next(Gone(), times=9)
    with suppress(ProviderFailed):
        await kit.kiwi.rentals.cancel(ada.id, rental.id)
    cancels = kit.provider.on_cancel.calls
    await work(kit)
    incident = await the_incident(kit)
    assert incident.activation_id == rental.activation_id
    assert (incident.is_open, incident.due_at) == (True, None)
    assert incident.after is not None
    assert kit.provider.on_cancel.calls == cancels


async def test_a_process_that_dies_after_the_cancel_still_says_what_it_cancelled(
    kit: Kit, ada: Account
) -> None:
    kit.provider.upstream.lists_active = True
    number = await lose(kit, ada)

    async def die() -> None:
        raise asyncio.CancelledError

    kit.provider.on_cancel.next(meanwhile=die)
    with pytest.raises(asyncio.CancelledError):
        await kit.work()
    assert kit.provider.upstream.refunded == kit.provider.upstream.charged
    await work(kit)
    assert (await the_incident(kit)).resolution == f"number {number} was cancelled upstream"


async def test_many_incidents_at_once_ask_upstream_few_questions(kit: Kit, ada: Account) -> None:
    kit.provider.upstream.lists_active = True
    kit.provider.on_rent.next(LOST, times=20)
    for _ in range(20):
        with pytest.raises(ProviderFailed):
            await kit.kiwi.rentals.rent(ada.id, service="go")
    kit.clock.advance(1)
    due = await kit.kiwi.background.claim_incidents(100)
    await kit.kiwi.background.trace(due[0])
    await asyncio.gather(*map(kit.kiwi.background.trace, due[1:]))
    assert kit.provider.on_balance.calls == 1
    assert kit.provider.on_active.calls == 2
    assert all(each.after is not None for each in await kit.kiwi.incidents.all())


async def test_nobody_searches_for_ever(kit: Kit, ada: Account) -> None:
    await lose(kit, ada)
    for _ in range(100):
        await work(kit, 30)
    incident = await the_incident(kit)
    assert (incident.is_open, incident.due_at) == (True, None)
    assert await kit.store.next_due() is None


async def test_what_the_operator_said_stands_against_a_search(kit: Kit, ada: Account) -> None:
    kit.provider.upstream.lists_active = True
    await lose(kit, ada)
    found = await the_incident(kit)

    async def meanwhile() -> None:
        await kit.kiwi.incidents.resolve(found.id, note="I know")

    kit.provider.on_balance.next(meanwhile=meanwhile)
    await kit.work()
    incident = await the_incident(kit)
    assert (incident.resolution, incident.activation_id) == ("I know", None)
    assert incident.after is not None
    with pytest.raises(IncidentResolved):
        await kit.kiwi.incidents.resolve(found.id, note="again")


async def test_of_two_resolutions_at_once_one_stands(kit: Kit, ada: Account) -> None:
    await lose(kit, ada)
    found = await the_incident(kit)
    told = await asyncio.gather(
        *(kit.kiwi.incidents.resolve(found.id, note=note) for note in ("a", "b")),
        return_exceptions=True,
    )
    assert sum(isinstance(each, Incident) for each in told) == 1


async def test_there_is_no_such_incident(kit: Kit) -> None:
    with pytest.raises(IncidentNotFound):
        await kit.kiwi.incidents.find(IncidentId("x"))
    with pytest.raises(IncidentNotFound):
        await kit.kiwi.incidents.resolve(IncidentId("x"), note="n")


async def test_a_renewal_that_is_lost_is_matched_by_its_phone(kit: Kit, ada: Account) -> None:
    kit.provider.upstream.lists_active = True
    rental = await kit.kiwi.rentals.rent(ada.id, service="go")
    kit.provider.deliver("1")
    await work(kit, 3)
    await kit.kiwi.rentals.done(ada.id, rental.id)
    kit.provider.on_renew.next(LOST, acts=True)
    with pytest.raises(ProviderFailed):
        await kit.kiwi.rentals.renew(ada.id, rental.id)
    again = list(kit.provider.upstream.activations.values())[-1]
    by_hand = NumberOrder(service=rental.service, country=rental.country, max_cost=Money.parse("1"))
    assert isinstance(await kit.provider.rent(by_hand), Rented)
    await work(kit, 1)
    incident = await the_incident(kit)
    assert incident.activation_id == again.id
    assert not incident.is_open


async def test_an_incident_that_is_resolved_during_a_trace_is_not_due_again(
    kit: Kit, ada: Account
) -> None:
    await lose(kit, ada)
    incident = await the_incident(kit)

    async def resolve() -> None:
        await kit.kiwi.incidents.resolve(incident.id, note="refunded by hand")

    kit.provider.on_balance.next(Unknown("timed out"), meanwhile=resolve)
    await kit.work()
    assert (await the_incident(kit)).due_at is None


async def test_a_trace_that_finds_nothing_does_not_forget_what_another_found(
    kit: Kit, ada: Account
) -> None:
    number = await lose(kit, ada)
    incident = await the_incident(kit)

    async def another_finds_it() -> None:
        await push(kit, number)
        await kit.kiwi.background.trace(incident)

    kit.provider.on_cancel.next(LOST)
    kit.provider.on_balance.next(meanwhile=another_finds_it)
    await kit.kiwi.background.trace(incident)
    assert (await the_incident(kit)).activation_id == number
