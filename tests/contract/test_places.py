"""Places upstream: shared by all accounts and processes, and never more than are allowed."""

import asyncio
from collections import Counter
from collections.abc import Sequence
from typing import Final

import pytest
from attrs import evolve

from kiwisms.adapters.postgres import PostgresStore
from kiwisms.domain.audit import audit
from kiwisms.domain.books import Violation
from kiwisms.domain.catalog import ServiceUnavailable
from kiwisms.domain.ids import AccountId, RentalId
from kiwisms.domain.money import ZERO, cents
from kiwisms.domain.rental import Rental
from kiwisms.domain.rental_state import UNDECIDED, State
from kiwisms.domain.wallet import Wallet
from kiwisms.ports.store import Store
from kiwisms.ports.transaction import TransactionConflict
from tests.contract.stores import ADA, BOB, NOW, account, requested, transfer, waiting, wallet
from tests.pages import ROOT, blocks_of
from tests.postgres import database

CROWD: Final = tuple(AccountId(f"account-{number:02}") for number in range(30))
MOST: Final = 7
PAGE: Final = ROOT / "docs" / "postgres.md"
PLACES: Final = "a rental has a place upstream while it is undecided"


class Crash(Exception):
    """The program fails within a transaction."""


async def come(store: Store) -> None:
    for account_id in CROWD:
        await store.create_account(account(account_id, f"{account_id}@example.com"))


async def rent(store: Store, account_id: AccountId, id: str = "r-1", most: int = MOST) -> None:
    async with store.transaction(account_id) as tx:
        tx.save(requested(id, account_id))
        tx.take_place(RentalId(id), most=most)


async def rent_all(*stores: Store, id: str = "r-1", most: int = MOST) -> Counter[str]:
    """Let every account of the crowd rent at once, through each of *stores* in turn."""
    outcomes = await asyncio.gather(
        *(
            rent(stores[number % len(stores)], account_id, id, most)
            for number, account_id in enumerate(CROWD)
        ),
        return_exceptions=True,
    )
    return Counter(type(outcome).__name__ for outcome in outcomes)


async def end(store: Store, rental: Rental) -> None:
    async with store.transaction(rental.account_id) as tx:
        tx.save(rental.fail(NOW))


async def taken(store: Store) -> Sequence[Rental]:
    rentals = await store.rentals(account_id=None, state=None, limit=999)
    return [rental for rental in rentals if rental.state in UNDECIDED]


async def misplaced(store: Store) -> list[Violation]:
    """What the audit finds out about places; the rest of these books is not honest."""
    found = [violation async for books in store.books() for violation in audit(books)]
    return [violation for violation in found if violation.law == PLACES]


async def test_of_concurrent_rents_only_the_allowed_number_get_a_place(store: Store) -> None:
    await come(store)
    assert await rent_all(store) == {"NoneType": MOST, "ServiceUnavailable": 30 - MOST}
    assert len(await taken(store)) == MOST
    assert await rent_all(store, id="r-2") == {"ServiceUnavailable": 30}
    assert await misplaced(store) == []


async def test_as_many_are_free_again_as_have_left(store: Store) -> None:
    await come(store)
    await rent_all(store)
    for rental in (await taken(store))[:3]:
        await end(store, rental)
    assert (await rent_all(store, id="r-2"))["NoneType"] == 3
    assert len(await taken(store)) == MOST
    assert await misplaced(store) == []


async def test_two_processes_share_the_places(both: tuple[Store, Store]) -> None:
    await come(both[0])
    assert await rent_all(*both) == {"NoneType": MOST, "ServiceUnavailable": 30 - MOST}
    for rental in (await taken(both[0]))[:4]:
        await end(both[1], rental)
    assert (await rent_all(*both, id="r-2"))["NoneType"] == 4
    assert len(await taken(both[1])) == MOST
    assert await misplaced(both[1]) == []


async def test_places_are_left_and_taken_at_once(both: tuple[Store, Store]) -> None:
    await come(both[0])
    most_seen = 0

    async def come_and_go(number: int) -> None:
        nonlocal most_seen
        for turn in range(6):
            try:
                await rent(both[(number + turn) % 2], CROWD[number], f"r-{turn}")
            except ServiceUnavailable:
                continue
            most_seen = max(most_seen, len(await taken(both[0])))
            await end(both[turn % 2], requested(f"r-{turn}", CROWD[number]))

    await asyncio.gather(*(come_and_go(number) for number in range(len(CROWD))))
    assert 1 < most_seen <= MOST
    for rental in await taken(both[0]):
        await end(both[0], rental)
    assert await misplaced(both[0]) == []
    assert (await rent_all(*both, id="r-9"))["NoneType"] == MOST


async def test_who_is_refused_a_place_writes_nothing(store: Store) -> None:
    await rent(store, BOB, most=1)

    async def be_refused() -> None:
        async with store.transaction(ADA) as tx:
            tx.save(requested(), wallet(cents(1), ZERO, 1), transfer())
            tx.take_place(RentalId("r-1"), most=1)

    with pytest.raises(ServiceUnavailable):
        await be_refused()
    assert await store.rental(ADA, RentalId("r-1")) is None
    assert await store.wallet(ADA) == Wallet(account_id=ADA)
    assert await store.transfers(ADA) == []


async def test_a_crash_takes_no_place(store: Store) -> None:
    async def die() -> None:
        async with store.transaction(ADA) as tx:
            tx.save(requested())
            tx.take_place(RentalId("r-1"), most=1)
            raise Crash

    for _ in range(3):
        with pytest.raises(Crash):
            await die()
    await rent(store, BOB, most=1)
    assert await misplaced(store) == []


async def test_a_conflict_takes_no_place(both: tuple[Store, Store]) -> None:
    store, other = both
    await store.create_account(account())

    async def write_first() -> None:
        async with store.transaction(ADA) as tx:
            await tx.wallet()
            async with other.transaction(ADA) as faster:
                faster.save(wallet(cents(1), ZERO, 1))
            tx.save(requested())
            tx.take_place(RentalId("r-1"), most=1)

    with pytest.raises(TransactionConflict):
        await write_first()
    assert await misplaced(store) == []
    await rent(store, ADA, most=1)


async def test_a_conflict_over_the_last_place_is_reported(
    both: tuple[Store, Store],
) -> None:
    """What it would have been refused may be its own: the same request in another process."""
    store, other = both
    await store.create_account(account())

    async def write_first() -> None:
        async with store.transaction(ADA) as tx:
            await tx.wallet()
            await rent(other, ADA, "r-2", most=1)
            tx.save(requested())
            tx.take_place(RentalId("r-1"), most=1)

    with pytest.raises(TransactionConflict):
        await write_first()
    assert [rental.id for rental in await taken(store)] == ["r-2"]


@pytest.mark.parametrize("state", [state for state in State if state is not State.NEW])
async def test_a_place_is_kept_while_upstream_may_hold_it(store: Store, state: State) -> None:
    await rent(store, ADA, most=1)
    async with store.transaction(ADA) as tx:
        tx.save(evolve(waiting(), state=state))
    if state in UNDECIDED:
        with pytest.raises(ServiceUnavailable):
            await rent(store, BOB, most=1)
    else:
        await rent(store, BOB, most=1)
    assert await misplaced(store) == []


async def test_fewer_may_be_allowed_than_have_a_place_and_more_again(store: Store) -> None:
    await come(store)
    await rent_all(store, most=9)
    assert (await rent_all(store, id="r-2", most=4))["NoneType"] == 0
    for rental in (await taken(store))[:5]:
        await end(store, rental)
        assert (await rent_all(store, id="r-3", most=4))["NoneType"] == 0
    assert len(await taken(store)) == 4
    for rental in (await taken(store))[:2]:
        await end(store, rental)
    assert (await rent_all(store, id="r-4", most=4))["NoneType"] >= 1
    assert len(await taken(store)) <= 4
    assert (await rent_all(store, id="r-5", most=12))["NoneType"] >= 8
    assert len(await taken(store)) == 12
    assert await misplaced(store) == []


async def test_there_are_as_many_places_as_are_needed(store: Store) -> None:
    await come(store)
    for turn in range(11):
        assert await rent_all(store, id=f"r-{turn}", most=330) == {"NoneType": 30}
    assert await rent_all(store, id="r-11", most=330) == {"ServiceUnavailable": 30}


async def test_what_an_older_process_left_is_found_and_freed_as_the_page_says() -> None:
    async with database() as url, PostgresStore(url) as store:
        await come(store)
        await rent_all(store)
        sql = "UPDATE rental SET state = 'FAILED' WHERE account_id = %s"
        for rental in (await taken(store))[:2]:
            await store.connections.write(f"{sql} RETURNING id", (rental.account_id,))
        assert len(await misplaced(store)) == 2
        [block] = [each.text for each in blocks_of(PAGE) if each.kind == "sql"]
        await store.connections.write(f"{block.rstrip().removesuffix(';')} RETURNING number")
        assert await misplaced(store) == []
        assert (await rent_all(store, id="r-2"))["NoneType"] == 2
