"""What every store lists, counts and gives out as work."""

import asyncio
from collections import Counter
from collections.abc import Collection, Sequence
from datetime import datetime

import pytest
from attrs import asdict, evolve

from kiwisms.domain.account import EmailTaken
from kiwisms.domain.actors import APP, WORKER
from kiwisms.domain.delivery import Delivery
from kiwisms.domain.ids import AccountId, ActivationId, KeyPrefix, RentalId
from kiwisms.domain.money import ZERO, Money, cents
from kiwisms.domain.reconciliation import Outlay
from kiwisms.domain.rental_state import State
from kiwisms.domain.usage import Usage, UsageQuery
from kiwisms.ports.store import Store
from kiwisms.ports.transaction import Fact, NumberTaken, Prefetch
from tests.contract.stores import (
    ADA,
    BOB,
    NOW,
    account,
    api_key,
    delivery,
    incident,
    open_incident,
    pushed,
    received,
    record,
    requested,
    seconds,
    step,
    trail_entry,
    transfer,
    waiting,
    wallet,
    webhook,
)

SOON = NOW + seconds(3)
LATER = NOW + seconds(30)


async def save(store: Store, *facts: Fact, account_id: AccountId = ADA) -> None:
    async with store.transaction(account_id) as tx:
        tx.save(*facts)


async def save_cancel(store: Store, rental: str, at: datetime, *, by: str = APP) -> None:
    cancelled = waiting(rental).cancel(at)
    await save(store, cancelled, evolve(step(State.CANCELLED, rental=rental), by=by, at=at))


async def usage(
    store: Store,
    *,
    of: AccountId = ADA,
    since: datetime = NOW,
    max_cancels: int = 1,
) -> Usage:
    asked = UsageQuery(now=NOW, since=since, max_cancels=max_cancels)
    async with store.transaction(of, Prefetch(usage=asked)) as tx:
        told = await tx.usage(asked)
    async with store.transaction(of) as tx:
        assert await tx.usage(asked) == told
    return told


def ids(facts: Sequence[Delivery]) -> list[str]:
    return [str(fact.id) for fact in facts]


async def test_accounts_and_keys_are_listed_by_age(store: Store) -> None:
    await store.create_account(account(AccountId("z"), "z@example.com", NOW - seconds(1)))
    assert [each.id for each in await store.accounts()] == ["z", ADA, BOB]
    young, old = api_key("a", LATER), api_key("b", NOW)
    await save(store, young, old)
    assert await store.api_keys(ADA) == [old, young]


async def test_transfers_are_listed_by_number(store: Store) -> None:
    transfers = [transfer(number, f"credit:{20 - number}") for number in range(1, 12)]
    await save(store, *reversed(transfers))
    assert await store.transfers(ADA) == transfers


async def test_history_is_listed_in_its_order(store: Store) -> None:
    history = [
        step(State.REQUESTED),
        step(State.WAITING),
        step(State.RECEIVED, 1),
        step(State.RECEIVED, 2),
        step(State.RECEIVED, 10),
        step(State.COMPLETED, 10),
    ]
    await save(store, *reversed(history), step(State.FAILED, rental="other"))
    assert await store.steps(ADA, RentalId("r-1")) == history


async def test_the_accounts_own_webhook_comes_first(store: Store) -> None:
    own, of_a, of_b = webhook(), webhook("a"), webhook("b")
    await save(store, of_b, of_a, own)
    assert await store.webhooks(ADA) == [own, of_a, of_b]
    assert await store.webhook(ADA, KeyPrefix("c")) is None


async def test_the_newest_are_listed_first_and_no_more_than_asked(store: Store) -> None:
    times = [NOW, NOW + seconds(1), NOW + seconds(1), NOW - seconds(1)]
    for number, at in enumerate(times):
        await save(
            store,
            waiting(f"r-{number}", at=at),
            delivery(f"d-{number}", at=at),
            incident(f"i-{number}", at=at),
        )
    await save(store, waiting("r-9", BOB, at=NOW - seconds(9)), account_id=BOB)
    rentals = await store.rentals(account_id=None, state=None, limit=9)
    assert [each.id for each in rentals] == ["r-2", "r-1", "r-0", "r-3", "r-9"]
    assert await store.rentals(account_id=ADA, state=None, limit=2) == rentals[:2]
    assert [each.id for each in await store.rentals(account_id=BOB, state=None, limit=2)] == ["r-9"]
    assert ids(await store.deliveries(ADA, limit=3)) == ["d-2", "d-1", "d-0"]
    assert [each.id for each in await store.incidents(limit=3)] == ["i-2", "i-1", "i-0"]


async def test_rentals_are_listed_by_state(store: Store) -> None:
    await save(store, requested("r-1"), waiting("r-2"), received("r-3"))
    found = await store.rentals(account_id=ADA, state=State.WAITING, limit=9)
    assert [each.id for each in found] == ["r-2"]
    assert await store.rentals(account_id=None, state=State.EXPIRED, limit=9) == []


async def test_of_rentals_with_one_activation_the_newest_open_one_is_found(store: Store) -> None:
    activation = ActivationId("4242")
    assert await store.find_rental_by_activation(activation) is None
    rentals = [
        received("r-1", at=NOW).complete(NOW),
        waiting("r-2", at=NOW + seconds(1)),
        waiting("r-3", at=NOW + seconds(2)).cancel(NOW),
    ]
    for rental in (evolve(each, activation_id=activation) for each in rentals):
        await save(store, rental, waiting("r-9"))
    await save(store, evolve(requested("r-4", BOB), activation_id=activation), account_id=BOB)
    found = await store.find_rental_by_activation(activation)
    assert found == evolve(rentals[1], activation_id=activation)
    await save(store, *(evolve(each, activation_id=None) for each in rentals[:2]))
    found = await store.find_rental_by_activation(activation)
    assert found == evolve(rentals[2], activation_id=activation)


@pytest.mark.parametrize("owner", [ADA, BOB])
async def test_a_number_has_one_open_rental_of_all_accounts(store: Store, owner: AccountId) -> None:
    first = waiting()
    await save(store, first)
    second = evolve(waiting("r-2", owner), activation_id=first.activation_id)
    with pytest.raises(NumberTaken):
        await save(store, second, received("r-3", owner), account_id=owner)
    assert await store.rentals(account_id=None, state=None, limit=9) == [first]
    await save(store, received())
    with pytest.raises(NumberTaken):
        await save(store, second, account_id=owner)
    await save(store, received().complete(NOW))
    await save(store, second, account_id=owner)
    assert await store.rental(owner, second.id) == second


async def test_of_concurrent_rentals_of_one_number_one_has_it(store: Store) -> None:
    crowd = [AccountId(f"01890a5d-ac96-774b-bcce-b3020000{number:04}") for number in range(10)]
    for number, owner in enumerate(crowd):
        await store.create_account(account(owner, f"{number}@example.com"))
    rentals = [evolve(waiting(of=owner), activation_id=ActivationId("7")) for owner in crowd]
    saved = (save(store, each, account_id=each.account_id) for each in rentals)
    told = await asyncio.gather(*saved, return_exceptions=True)
    assert Counter(type(each) for each in told) == {type(None): 1, NumberTaken: 9}
    assert len(await store.rentals(account_id=None, state=None, limit=99)) == 1


async def test_active_is_what_has_a_number_and_time_left(store: Store) -> None:
    rentals = [
        requested("r-1"),
        waiting("r-2"),
        received("r-3", at=NOW + seconds(1)),
        waiting("r-4").cancel(NOW),
        evolve(waiting("r-5"), expires_at=NOW),
        evolve(waiting("r-6"), expires_at=NOW + seconds(0.000001)),
    ]
    await save(store, *rentals)
    active = await store.active_rentals(ADA, NOW)
    assert [each.id for each in active] == ["r-3", "r-6", "r-2"]
    assert (await usage(store)).active == len(active) + 1


async def test_cancels_are_counted_from_a_moment(store: Store) -> None:
    for number in (2, 0, 3, 1):
        await save_cancel(store, f"r-{number}", NOW + seconds(number))
    await save(store, waiting("r-9").complete(LATER))
    found = [(await usage(store, max_cancels=nth)).nth_cancel for nth in (1, 2, 4, 5)]
    assert found == [NOW + seconds(3), NOW + seconds(2), NOW, None]
    since = NOW + seconds(2)
    found = [(await usage(store, since=since, max_cancels=nth)).nth_cancel for nth in (2, 3)]
    assert found == [since, None]


async def test_a_cancel_that_the_worker_found_is_not_counted(store: Store) -> None:
    await save_cancel(store, "r-1", NOW, by=WORKER)
    assert (await usage(store)).nth_cancel is None
    await save_cancel(store, "r-2", SOON, by=APP)
    await save_cancel(store, "r-3", LATER, by=WORKER)
    assert (await usage(store)).nth_cancel == SOON


async def test_what_another_account_uses_is_its_own(store: Store) -> None:
    await save(store, requested("r-1"))
    await save_cancel(store, "r-2", NOW)
    assert await usage(store, of=BOB) == Usage(active=0, nth_cancel=None)


@pytest.mark.parametrize("state", State)
async def test_a_look_is_granted_for_open_rentals_only(store: Store, state: State) -> None:
    if state is State.NEW:
        return
    await save(store, evolve(waiting(), state=state, look_after=NOW))
    granted = await store.claim_rental(ADA, RentalId("r-1"), now=NOW, look_after=SOON, until=LATER)
    assert granted is (state in {State.WAITING, State.RECEIVED})


async def test_a_look_is_granted_when_its_time_has_come(store: Store) -> None:
    await save(store, evolve(waiting(), look_after=NOW))
    early = NOW - seconds(0.000001)
    assert not await store.claim_rental(
        ADA, RentalId("r-1"), now=early, look_after=SOON, until=LATER
    )
    assert not await store.claim_rental(BOB, RentalId("r-1"), now=NOW, look_after=SOON, until=LATER)
    assert not await store.claim_rental(ADA, RentalId("r-2"), now=NOW, look_after=SOON, until=LATER)
    assert await store.claim_rental(ADA, RentalId("r-1"), now=NOW, look_after=SOON, until=LATER)
    assert await store.rental(ADA, RentalId("r-1")) == evolve(
        waiting(), look_after=SOON, due_at=LATER
    )


async def test_of_concurrent_claims_one_may_look(store: Store) -> None:
    await save(store, evolve(waiting(), look_after=NOW))
    granted = await asyncio.gather(
        *(
            store.claim_rental(ADA, RentalId("r-1"), now=NOW, look_after=SOON, until=LATER)
            for _ in range(10)
        )
    )
    assert sum(granted) == 1


async def test_a_number_is_found_by_its_open_rental_and_then_by_the_newest(store: Store) -> None:
    number = ActivationId("9")
    open_one = evolve(waiting("r-1"), activation_id=number)
    await save(store, evolve(waiting("r-2", at=LATER).cancel(LATER), activation_id=number))
    await save(store, open_one, requested("r-3"))
    assert await store.find_rental_by_activation(number) == open_one
    await save(store, open_one.cancel(NOW))
    found = await store.find_rental_by_activation(number)
    assert found is not None
    assert found.id == "r-2"
    assert await store.find_rental_by_activation(ActivationId("8")) is None


@pytest.mark.parametrize("state", [each for each in State if each is not State.NEW])
async def test_an_open_rental_can_be_hastened(store: Store, state: State) -> None:
    rental = evolve(waiting(), state=state, look_after=LATER, due_at=LATER)
    await save(store, rental)
    is_open = state in {State.WAITING, State.RECEIVED}
    assert await store.hasten_rental(ADA, rental.id, now=NOW) is is_open
    hastened = evolve(rental, look_after=NOW, due_at=NOW) if is_open else rental
    assert await store.rental(ADA, rental.id) == hastened
    assert not await store.hasten_rental(BOB, rental.id, now=NOW)


async def test_due_incidents_are_given_out_by_age_and_once(store: Store) -> None:
    dues = [NOW, NOW - seconds(1), LATER, None]
    await save(store, *(incident(f"i-{number}", due_at=at) for number, at in enumerate(dues)))
    assert await store.next_due() == NOW - seconds(1)
    first = await store.claim_due_incidents(now=NOW, until=LATER, limit=1)
    assert first == [incident("i-1", due_at=LATER)]
    assert await store.find_incident(first[0].id) == first[0]
    second = await store.claim_due_incidents(now=NOW, until=LATER, limit=9)
    assert [each.id for each in second] == ["i-0"]
    assert list(await store.claim_due_incidents(now=NOW, until=LATER, limit=9)) == []


async def test_open_incidents_are_listed_and_counted(store: Store) -> None:
    assert await store.count_open_incidents() == 0
    await save(store, open_incident("i-1"), incident("i-2"))
    await save(store, open_incident("i-3", BOB, LATER), account_id=BOB)
    assert await store.count_open_incidents() == 2
    found = await store.incidents(open_only=True, limit=9)
    assert [each.id for each in found] == ["i-3", "i-1"]
    assert len(await store.incidents(open_only=True, limit=1)) == 1
    await save(store, incident("i-1"))
    assert await store.count_open_incidents() == 1


async def test_pushes_are_unmatched_while_no_rental_has_the_number(store: Store) -> None:
    for number, at in enumerate([NOW - seconds(9), NOW, LATER]):
        await store.add_push(pushed(f"m-{number}", f"{number}", at))
    found = await store.unmatched_pushes(since=NOW, limit=9)
    assert [each.id for each in found] == ["m-2", "m-1"]
    assert await store.unmatched_pushes(since=NOW, limit=1) == found[:1]
    await save(store, evolve(waiting().cancel(NOW), activation_id=ActivationId("1")))
    await save(store, evolve(incident(), activation_id=ActivationId("2")))
    found = await store.unmatched_pushes(since=NOW - seconds(9), limit=9)
    assert [each.id for each in found] == ["m-0"]


async def test_the_outlay_is_what_was_bought_and_not_given_back(store: Store) -> None:
    assert await store.outlay(ending=NOW) == Outlay(spent=ZERO, uncosted=0, moving=0)
    await save(
        store,
        requested("r-0"),
        waiting("r-1"),
        received("r-2"),
        evolve(received("r-3").complete(NOW), cost=None),
        waiting("r-4").cancel(NOW),
        waiting("r-5").run_out(NOW),
    )
    await save(store, waiting("r-6", BOB).complete(NOW), account_id=BOB)
    spent = Money(3 * 300_001)
    assert await store.outlay(ending=NOW) == Outlay(spent=spent, uncosted=1, moving=1)
    ends = waiting().expires_at
    assert await store.outlay(ending=ends) == Outlay(spent=spent, uncosted=1, moving=2)


async def test_due_rentals_are_given_out_by_age_and_once(store: Store) -> None:
    dues = [NOW, NOW - seconds(2), NOW - seconds(1), NOW + seconds(0.000001), None]
    for number, due_at in enumerate(dues):
        await save(store, evolve(waiting(f"r-{number}"), due_at=due_at))
    await save(store, evolve(requested("r-9", BOB), due_at=NOW), account_id=BOB)
    first = await store.claim_due_rentals(now=NOW, look_after=SOON, until=LATER, limit=2)
    assert [each.id for each in first] == ["r-1", "r-2"]
    assert first[0] == evolve(waiting("r-1"), look_after=SOON, due_at=LATER)
    assert first[0] == await store.rental(ADA, RentalId("r-1"))
    second = await store.claim_due_rentals(now=NOW, look_after=SOON, until=LATER, limit=9)
    assert [(each.account_id, each.id) for each in second] == [(ADA, "r-0"), (BOB, "r-9")]
    assert list(await store.claim_due_rentals(now=NOW, look_after=SOON, until=LATER, limit=9)) == []
    again = await store.claim_due_rentals(
        now=LATER, look_after=LATER, until=LATER + seconds(1), limit=9
    )
    assert len(again) == 5


async def test_due_deliveries_are_given_out_by_age_and_once(store: Store) -> None:
    await save(
        store,
        delivery("d-1", due_at=NOW),
        delivery("d-2", due_at=NOW - seconds(1)),
        delivery("d-3", due_at=NOW + seconds(1)),
        delivery("d-4", due_at=None),
    )
    await save(store, delivery("d-0", due_at=NOW, of=BOB), account_id=BOB)
    first = await store.claim_due_deliveries(now=NOW, until=LATER, limit=2, per_account=9)
    assert first == [delivery("d-2", due_at=LATER), delivery("d-1", due_at=LATER)]
    assert await store.find_delivery(first[0].id) == first[0]
    second = await store.claim_due_deliveries(now=NOW, until=LATER, limit=9, per_account=9)
    assert ids(second) == ["d-0"]
    assert list(await claim(store)) == []
    again = await store.claim_due_deliveries(now=LATER, until=LATER, limit=9, per_account=9)
    assert len(again) == 4


async def claim(
    store: Store, *, limit: int = 9, per_account: int = 2, busy: Collection[AccountId] = ()
) -> Sequence[Delivery]:
    return await store.claim_due_deliveries(
        now=NOW, until=LATER, limit=limit, per_account=per_account, busy=busy
    )


async def owe(store: Store, account_id: AccountId, name: str, dues: Sequence[datetime]) -> None:
    await save(
        store,
        *(
            delivery(f"{name}-{number}", due_at=due_at, of=account_id)
            for number, due_at in enumerate(dues)
        ),
        account_id=account_id,
    )


async def test_no_account_is_given_more_than_its_share_however_much_is_due(store: Store) -> None:
    longest_due = [NOW - seconds(number) for number in range(50, 0, -1)]
    await owe(store, ADA, "ada", longest_due)
    await owe(store, BOB, "bob", [NOW - seconds(0.1), NOW - seconds(0.2), NOW + seconds(1)])
    assert ids(await claim(store)) == ["ada-0", "ada-1", "bob-1", "bob-0"]
    assert ids(await claim(store)) == ["ada-2", "ada-3"]
    assert ids(await claim(store, limit=1)) == ["ada-4"]


async def test_those_due_at_once_are_shared_out_too(store: Store) -> None:
    await owe(store, ADA, "ada", [NOW] * 5)
    assert [ids(await claim(store)) for _ in range(4)] == [
        ["ada-0", "ada-1"],
        ["ada-2", "ada-3"],
        ["ada-4"],
        [],
    ]


async def test_busy_accounts_are_passed_over_and_lose_nothing(store: Store) -> None:
    third = AccountId("third")
    await store.create_account(account(third, "third@example.com"))
    for account_id, name in ((ADA, "ada"), (BOB, "bob"), (third, "third")):
        await owe(store, account_id, name, [NOW])
    assert ids(await claim(store, busy=[ADA, third])) == ["bob-0"]
    assert ids(await claim(store, busy=[ADA, BOB, third])) == []
    assert ids(await claim(store, busy={ADA})) == ["third-0"]
    assert await store.next_due() == NOW
    assert ids(await claim(store)) == ["ada-0"]


async def test_work_is_given_to_one_of_many_workers(store: Store) -> None:
    for number in range(10):
        due = evolve(waiting(f"r-{number}"), due_at=NOW)
        await save(store, due, delivery(f"d-{number}"))
    rentals = await asyncio.gather(
        *(store.claim_due_rentals(now=NOW, look_after=SOON, until=LATER, limit=4) for _ in range(5))
    )
    assert sorted(each.id for claimed in rentals for each in claimed) == [
        f"r-{number}" for number in range(10)
    ]
    deliveries = await asyncio.gather(*(claim(store, limit=4, per_account=4) for _ in range(5)))
    assert len({each.id for claimed in deliveries for each in claimed}) == 10


async def test_the_next_due_is_the_first_of_all(store: Store) -> None:
    assert await store.next_due() is None
    await save(store, delivery(due_at=LATER))
    assert await store.next_due() == LATER
    await save(store, evolve(waiting(), due_at=NOW), account_id=ADA)
    assert await store.next_due() == NOW
    await save(store, evolve(waiting(), due_at=None), delivery(due_at=None))
    assert await store.next_due() is None


async def test_the_trail_lists_the_newest_first(store: Store) -> None:
    entries = [trail_entry("t-1"), trail_entry("t-2"), trail_entry("t-0", SOON)]
    await save(store, *entries)
    assert await store.trail(ADA, limit=2) == [entries[2], entries[1]]
    assert await store.trail(BOB, limit=2) == []


async def test_what_is_of_a_rental_is_given_and_nothing_else(store: Store) -> None:
    late, early = delivery("d-1", at=SOON), delivery("d-2")
    other = evolve(delivery("d-3"), rental_id=RentalId("r-2"))
    then, first = incident("i-1", at=SOON), incident("i-2")
    at_once = incident("i-4")
    foreign = evolve(incident("i-3"), rental_id=RentalId("r-2"))
    await save(store, late, early, other, then, at_once, first, foreign)
    assert await store.deliveries_of_rental(ADA, RentalId("r-1")) == [early, late]
    assert await store.incidents_of_rental(ADA, RentalId("r-1")) == [first, at_once, then]
    assert await store.incidents_of_rental(BOB, RentalId("r-1")) == []


async def test_an_account_is_created_with_its_entry(store: Store) -> None:
    carol = account(AccountId("c"), "carol@example.com")
    entry = evolve(trail_entry(), account_id=carol.id)
    await store.create_account(carol, entry)
    assert await store.trail(carol.id, limit=9) == [entry]
    with pytest.raises(EmailTaken):
        await store.create_account(evolve(carol, id=AccountId("d")), entry)
    assert await store.account(AccountId("d")) is None
    assert await store.trail(carol.id, limit=9) == [entry]


async def test_books_are_all_of_every_account(store: Store) -> None:
    await save(store, transfer(), wallet(cents(9), ZERO, 1), waiting("r-1"), requested("r-2"))
    await save(store, step(), record(), delivery(), incident())
    books = [each async for each in store.books()]
    assert [each.wallet.account_id for each in books] == [ADA, BOB]
    assert books[0].wallet == wallet(cents(9), ZERO, 1)
    assert list(books[0].transfers) == [transfer()]
    assert sorted(each.id for each in books[0].rentals) == ["r-1", "r-2"]
    assert list(books[0].steps) == [step()]
    assert list(books[0].idempotency) == [record()]
    assert list(books[0].deliveries) == [delivery()]
    assert list(books[0].incidents) == [incident()]
    bobs = asdict(books[1], recurse=False)
    del bobs["wallet"]
    # Only a store that writes places down has a row of them.
    assert not bobs.pop("places")
    assert [list(rows) for rows in bobs.values()] == [[]] * 6
