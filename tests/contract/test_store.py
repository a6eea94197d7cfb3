"""What every store keeps: all that was committed, exactly, and nothing else."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest
from attrs import evolve

from kiwisms.domain.account import AccountNotFound, AccountStatus, EmailTaken
from kiwisms.domain.delivery import DeliveryStatus
from kiwisms.domain.idempotency import KeyState
from kiwisms.domain.ids import (
    AccountId,
    ActivationId,
    DeliveryId,
    IdempotencyKey,
    IncidentId,
    KeyPrefix,
    RentalId,
    TransferId,
)
from kiwisms.domain.incident import IncidentKind
from kiwisms.domain.ledger import LedgerAccount
from kiwisms.domain.money import ZERO, Money, cents
from kiwisms.domain.reconciliation import Reading
from kiwisms.domain.rental_state import State
from kiwisms.domain.sms import Code
from kiwisms.domain.wallet import Wallet
from kiwisms.ports.store import Store, StoreUnavailable
from kiwisms.ports.transaction import Fact, Prefetch
from tests.contract.stores import (
    ADA,
    BOB,
    FULL_RENTAL,
    NOW,
    SUSPENDED,
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


class Crash(Exception):
    """The process ends here."""


async def save(store: Store, *facts: Fact, account_id: AccountId = ADA) -> None:
    async with store.transaction(account_id) as tx:
        tx.save(*facts)


READ: dict[str, tuple[Fact, Callable[[Store], Awaitable[object]]]] = {
    "account": (SUSPENDED, lambda store: store.account(ADA)),
    "account by email": (SUSPENDED, lambda store: store.account_by_email("ada@example.com")),
    "api key": (api_key(), lambda store: store.api_key(ADA, KeyPrefix("p1"))),
    "wallet": (wallet(Money(1), cents(2), 3), lambda store: store.wallet(ADA)),
    "requested": (requested(), lambda store: store.rental(ADA, RentalId("r-1"))),
    "received": (received(), lambda store: store.rental(ADA, RentalId("r-1"))),
    "rental": (FULL_RENTAL, lambda store: store.rental(ADA, RentalId("r-1"))),
    "rental by id": (FULL_RENTAL, lambda store: store.find_rental(RentalId("r-1"))),
    "idempotency": (
        record(KeyState.FINISHED),
        lambda store: store.idempotency(ADA, IdempotencyKey("order-42")),
    ),
    "webhook": (webhook(), lambda store: store.webhook(ADA, None)),
    "webhook of key": (webhook("p1"), lambda store: store.webhook(ADA, KeyPrefix("p1"))),
    "delivery": (delivery(), lambda store: store.find_delivery(DeliveryId("d-1"))),
    "incident by id": (incident(), lambda store: store.find_incident(IncidentId("i-1"))),
    "open incident": (open_incident(), lambda store: store.find_incident(IncidentId("i-1"))),
    "rental by activation": (
        FULL_RENTAL,
        lambda store: store.find_rental_by_activation(ActivationId("9r-1")),
    ),
    "delivery without date": (
        delivery(due_at=None),
        lambda store: store.find_delivery(DeliveryId("d-1")),
    ),
}
LISTED: dict[str, tuple[Fact, Callable[[Store], Awaitable[object]]]] = {
    "transfer": (transfer(), lambda store: store.transfers(ADA)),
    "step": (step(), lambda store: store.steps(ADA, RentalId("r-1"))),
    "incident": (incident(), lambda store: store.incidents(limit=9)),
    "api key": (api_key(), lambda store: store.api_keys(ADA)),
    "webhook": (webhook(), lambda store: store.webhooks(ADA)),
    "delivery": (delivery(), lambda store: store.deliveries(ADA, limit=9)),
    "delivery of rental": (
        delivery(),
        lambda store: store.deliveries_of_rental(ADA, RentalId("r-1")),
    ),
    "incident of rental": (
        incident(),
        lambda store: store.incidents_of_rental(ADA, RentalId("r-1")),
    ),
    "trail": (trail_entry(), lambda store: store.trail(ADA, limit=9)),
}


@pytest.mark.parametrize("kind", READ)
async def test_what_was_saved_is_read_as_it_was(store: Store, kind: str) -> None:
    fact, read = READ[kind]
    assert await read(store) != fact
    await save(store, fact)
    assert await read(store) == fact


@pytest.mark.parametrize("kind", LISTED)
async def test_what_was_saved_is_listed_as_it_was(store: Store, kind: str) -> None:
    fact, read = LISTED[kind]
    assert await read(store) == []
    await save(store, fact)
    assert await read(store) == [fact]


async def test_a_transaction_reads_what_was_committed(store: Store) -> None:
    facts: list[Fact] = [
        SUSPENDED,
        wallet(Money(1), cents(2), 3),
        transfer(),
        FULL_RENTAL,
        record(),
        api_key(),
        webhook(),
        webhook("p1"),
        delivery(),
        incident(),
    ]
    await save(store, *facts)
    async with store.transaction(ADA) as tx:
        assert facts == [
            await tx.account(),
            await tx.wallet(),
            await tx.transfer(TransferId("credit:a")),
            await tx.rental(RentalId("r-1")),
            await tx.idempotency(IdempotencyKey("order-42")),
            await tx.api_key(KeyPrefix("p1")),
            await tx.webhook(None),
            await tx.webhook(KeyPrefix("p1")),
            await tx.delivery(DeliveryId("d-1")),
            await tx.incident(IncidentId("i-1")),
        ]


@pytest.mark.parametrize(
    "prefetch",
    [
        Prefetch(),
        Prefetch(rental_id=RentalId("r-1")),
        Prefetch(key=IdempotencyKey("order-42")),
        Prefetch(rental_id=RentalId("r-1"), key=IdempotencyKey("order-42")),
        Prefetch(rental_id=RentalId("x"), key=IdempotencyKey("x")),
    ],
    ids=["nothing", "rental", "key", "both", "others"],
)
async def test_a_transaction_reads_the_same_whatever_it_prefetches(
    store: Store, prefetch: Prefetch
) -> None:
    async def read() -> list[object]:
        async with store.transaction(ADA, prefetch) as tx:
            return [
                await tx.wallet(),
                await tx.rental(RentalId("r-1")),
                await tx.rental(RentalId("x")),
                await tx.idempotency(IdempotencyKey("order-42")),
                await tx.idempotency(IdempotencyKey("x")),
            ]

    assert await read() == [Wallet(account_id=ADA), None, None, None, None]
    await save(store, FULL_RENTAL, record())
    await save(store, waiting("x", BOB), account_id=BOB)
    assert await read() == [Wallet(account_id=ADA), FULL_RENTAL, None, record(), None]


async def test_what_is_not_there_is_none(store: Store) -> None:
    async with store.transaction(ADA) as tx:
        assert [
            await tx.transfer(TransferId("x")),
            await tx.rental(RentalId("x")),
            await tx.idempotency(IdempotencyKey("x")),
            await tx.api_key(KeyPrefix("x")),
            await tx.webhook(None),
            await tx.delivery(DeliveryId("x")),
            await tx.incident(IncidentId("x")),
        ] == [None] * 7
    nobody = AccountId("x")
    assert [
        await store.account(nobody),
        await store.account_by_email("x"),
        await store.api_key(ADA, KeyPrefix("x")),
        await store.wallet(nobody),
        await store.idempotency(ADA, IdempotencyKey("x")),
        await store.rental(ADA, RentalId("x")),
        await store.find_rental(RentalId("x")),
        await store.webhook(ADA, None),
        await store.find_delivery(DeliveryId("x")),
        await store.find_incident(IncidentId("x")),
        await store.next_due(),
    ] == [None] * 11


@pytest.mark.parametrize("odd", ["\0", "\ud800", "r-1\0", "", "r-1 ", "R-1"])
async def test_what_no_store_can_hold_is_not_there_either(store: Store, odd: str) -> None:
    await save(store, waiting(), record(), delivery())
    assert [
        await store.rental(ADA, RentalId(odd)),
        await store.find_rental(RentalId(odd)),
        await store.find_delivery(DeliveryId(odd)),
        await store.idempotency(ADA, IdempotencyKey(odd)),
        await store.api_key(ADA, KeyPrefix(odd)),
        await store.account(AccountId(odd)),
        await store.account_by_email(odd),
    ] == [None] * 7


async def test_what_is_another_accounts_is_not_there(store: Store) -> None:
    await save(store, FULL_RENTAL, record(), api_key(), webhook(), delivery(), transfer(), step())
    await save(store, incident())
    async with store.transaction(BOB) as tx:
        assert [
            await tx.transfer(TransferId("credit:a")),
            await tx.rental(RentalId("r-1")),
            await tx.idempotency(IdempotencyKey("order-42")),
            await tx.api_key(KeyPrefix("p1")),
            await tx.webhook(None),
            await tx.delivery(DeliveryId("d-1")),
            await tx.incident(IncidentId("i-1")),
        ] == [None] * 7
    assert await store.rental(BOB, RentalId("r-1")) is None
    assert await store.api_key(BOB, KeyPrefix("p1")) is None
    assert await store.webhook(BOB, None) is None
    assert await store.idempotency(BOB, IdempotencyKey("order-42")) is None
    assert [
        await store.transfers(BOB),
        await store.api_keys(BOB),
        await store.steps(BOB, RentalId("r-1")),
        await store.webhooks(BOB),
        await store.deliveries(BOB, limit=9),
        await store.active_rentals(BOB, NOW),
    ] == [[]] * 6


async def test_the_last_fact_saved_under_a_key_wins(store: Store) -> None:
    await save(store, waiting(), record(), delivery(), webhook(), api_key())
    later: list[Fact] = [
        received(),
        record(KeyState.FREE),
        evolve(delivery(), status=DeliveryStatus.DELIVERED, due_at=None),
        evolve(webhook(), url="http://other.example"),
        evolve(api_key(), revoked_at=None),
    ]
    await save(store, *later)
    assert later == [
        await store.rental(ADA, RentalId("r-1")),
        await store.idempotency(ADA, IdempotencyKey("order-42")),
        await store.find_delivery(DeliveryId("d-1")),
        await store.webhook(ADA, None),
        await store.api_key(ADA, KeyPrefix("p1")),
    ]
    assert len(await store.rentals(account_id=ADA, state=None, limit=9)) == 1


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (transfer(), evolve(transfer(2), reason="again")),
        (transfer(), transfer(1, "credit:b")),
        (step(), evolve(step(), by="someone else")),
    ],
    ids=["same cause", "same number", "step"],
)
async def test_what_is_only_added_is_never_replaced(
    store: Store, first: Fact, second: Fact
) -> None:
    await save(store, first)
    with pytest.raises(StoreUnavailable, match="refused the write"):
        await save(store, wallet(cents(1), ZERO, 1), second)
    assert await store.wallet(ADA) == Wallet(account_id=ADA)
    kept = [
        *await store.transfers(ADA),
        *await store.steps(ADA, RentalId("r-1")),
    ]
    assert kept == [first]


async def test_two_accounts_may_use_the_same_names(store: Store) -> None:
    await save(store, transfer(), waiting())
    await save(store, transfer(of=BOB), waiting(of=BOB), account_id=BOB)
    assert [each.account_id for each in await store.transfers(BOB)] == [BOB]
    assert await store.rental(ADA, RentalId("r-1")) == waiting()


async def test_a_webhook_can_be_removed_and_set_again(store: Store) -> None:
    await save(store, webhook(), webhook("p1"))
    async with store.transaction(ADA) as tx:
        tx.remove(webhook())
    assert await store.webhooks(ADA) == [webhook("p1")]
    async with store.transaction(ADA) as tx:
        tx.remove(webhook("p1"))
        tx.save(webhook())
    assert await store.webhooks(ADA) == [webhook()]


async def test_a_crash_leaves_no_trace(store: Store) -> None:
    async def die() -> None:
        async with store.transaction(ADA) as tx:
            tx.save(waiting(), wallet(cents(1), ZERO, 1))
            raise Crash

    with pytest.raises(Crash):
        await die()
    assert await store.rental(ADA, RentalId("r-1")) is None
    assert await store.wallet(ADA) == Wallet(account_id=ADA)


async def test_saves_are_sent_with_the_commit(store: Store) -> None:
    async with store.transaction(ADA) as tx:
        tx.save(waiting(), wallet(cents(1), ZERO, 1))
        assert await tx.rental(RentalId("r-1")) is None
        assert await store.wallet(ADA) == Wallet(account_id=ADA)
    assert await store.wallet(ADA) == wallet(cents(1), ZERO, 1)


async def test_transactions_of_one_account_run_one_after_another(store: Store) -> None:
    async def add() -> None:
        async with store.transaction(ADA) as tx:
            before = await tx.wallet()
            await asyncio.sleep(0)
            tx.save(evolve(before, transfers=before.transfers + 1))

    await asyncio.gather(*(add() for _ in range(50)))
    assert await store.wallet(ADA) == Wallet(account_id=ADA, transfers=50)


async def test_one_account_does_not_wait_for_another(store: Store) -> None:
    async with store.transaction(ADA) as of_ada:
        of_ada.save(waiting())
        async with store.transaction(BOB) as of_bob:
            of_bob.save(waiting("r-2", BOB))
        assert await store.find_rental(RentalId("r-2")) is not None


async def test_a_refused_write_does_not_harm_those_beside_it(store: Store) -> None:
    await save(store, transfer())
    outcomes = await asyncio.gather(
        save(store, transfer()),
        save(store, transfer(of=BOB), account_id=BOB),
        return_exceptions=True,
    )
    assert isinstance(outcomes[0], StoreUnavailable)
    assert outcomes[1] is None
    assert await store.transfers(BOB) == [transfer(of=BOB)]


@pytest.mark.parametrize(
    "fact", [waiting(of=BOB), account(BOB, "bob@example.com"), transfer(of=BOB)]
)
async def test_a_fact_of_another_account_is_a_mistake(store: Store, fact: Fact) -> None:
    with pytest.raises(ValueError, match="in a transaction of"):
        await save(store, fact)
    async with store.transaction(BOB) as tx:
        with pytest.raises(ValueError, match="in a transaction of"):
            tx.remove(webhook())


async def test_there_is_no_transaction_without_an_account(store: Store) -> None:
    transaction = store.transaction(AccountId("nobody"))
    with pytest.raises(AccountNotFound):
        await transaction.__aenter__()


async def test_an_email_is_taken_once(store: Store) -> None:
    with pytest.raises(EmailTaken):
        await store.create_account(account(AccountId("c"), "ada@example.com"))
    assert await store.account(AccountId("c")) is None


async def test_of_equal_emails_at_once_one_is_taken(store: Store) -> None:
    outcomes = await asyncio.gather(
        *(store.create_account(account(AccountId(f"c-{n}"), "c@example.com")) for n in range(5)),
        return_exceptions=True,
    )
    assert sorted(str(type(outcome)) for outcome in outcomes) == sorted(
        [str(type(None)), *[str(EmailTaken)] * 4]
    )


async def test_an_id_is_used_once(store: Store) -> None:
    with pytest.raises(StoreUnavailable, match="refused the write"):
        await store.create_account(account(ADA, "other@example.com"))


async def test_a_new_account_has_an_empty_wallet(store: Store) -> None:
    assert await store.wallet(BOB) == Wallet(account_id=BOB)


@pytest.mark.parametrize("state", [state for state in State if state is not State.NEW])
async def test_every_state_is_kept(store: Store, state: State) -> None:
    rental = evolve(waiting(), state=state)
    await save(store, rental, step(state))
    assert await store.find_rental(rental.id) == rental


@pytest.mark.parametrize("status", DeliveryStatus)
async def test_every_delivery_status_is_kept(store: Store, status: DeliveryStatus) -> None:
    kept = evolve(delivery(), status=status)
    await save(store, kept)
    assert await store.deliveries(ADA, limit=1) == [kept]


@pytest.mark.parametrize("kind", IncidentKind)
async def test_every_kind_of_incident_is_kept(store: Store, kind: IncidentKind) -> None:
    kept = evolve(open_incident(), kind=kind)
    await save(store, kept)
    assert await store.incidents(limit=1) == [kept]


async def test_a_pushed_message_is_kept_once_and_as_it_first_came(store: Store) -> None:
    first, bare = pushed(), evolve(pushed("5002"), code=None, text=None, received_at=None)
    assert await store.add_push(first)
    assert await store.add_push(bare)
    assert not await store.add_push(first)
    assert not await store.add_push(evolve(first, code=Code("other")))
    assert await store.pushes(first.activation_id) == [first, bare]
    assert await store.pushes(ActivationId("8")) == []


async def test_of_many_same_pushes_at_once_one_is_the_first(store: Store) -> None:
    told = await asyncio.gather(*(store.add_push(pushed()) for _ in range(20)))
    assert sum(told) == 1


async def test_the_last_reading_is_the_newest(store: Store) -> None:
    assert await store.last_reading() is None
    new = Reading(at=NOW + seconds(1), balance=Money(-1), spent=Money(3), topped_up=Money(5))
    await store.add_reading(new)
    await store.add_reading(Reading(at=NOW, balance=cents(1), spent=ZERO))
    assert await store.last_reading() == new


@pytest.mark.parametrize("state", KeyState)
async def test_every_key_state_is_kept(store: Store, state: KeyState) -> None:
    await save(store, record(state))
    assert await store.idempotency(ADA, IdempotencyKey("order-42")) == record(state)


@pytest.mark.parametrize("status", AccountStatus)
async def test_every_account_status_is_kept(store: Store, status: AccountStatus) -> None:
    await save(store, evolve(account(), status=status))
    assert (await store.accounts())[0].status is status


@pytest.mark.parametrize("place", LedgerAccount)
async def test_every_ledger_account_is_kept(store: Store, place: LedgerAccount) -> None:
    other = next(each for each in LedgerAccount if each is not place)
    there, back = (
        evolve(transfer(1, "a"), debit=place, credit=other),
        evolve(transfer(2, "b"), debit=other, credit=place),
    )
    await save(store, there, back)
    assert await store.transfers(ADA) == [there, back]


async def test_a_cancelled_caller_leaves_the_store_usable(store: Store) -> None:
    task = asyncio.create_task(save(store, waiting()))
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await save(store, wallet(cents(5), ZERO, 1))
    assert await store.wallet(ADA) == wallet(cents(5), ZERO, 1)


async def test_a_store_says_that_it_can_be_used(store: Store) -> None:
    await store.check()
    assert await store.schema_version() >= 0
