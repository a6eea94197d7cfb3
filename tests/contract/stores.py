"""Every store, opened fresh, and facts to keep in it."""

import tempfile
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import MappingProxyType
from typing import Final

from attrs import evolve

from kiwisms.adapters.memory import MemoryStore
from kiwisms.adapters.postgres import PostgresStore
from kiwisms.adapters.sqlite import SqliteStore
from kiwisms.domain.account import Account, AccountStatus
from kiwisms.domain.api_key import ApiKey
from kiwisms.domain.catalog import CountryCode, ServiceCode
from kiwisms.domain.delivery import Delivery, DeliveryStatus, FailedTry
from kiwisms.domain.events import WebhookEvent
from kiwisms.domain.history import Step
from kiwisms.domain.idempotency import Fingerprint, IdempotencyRecord, KeyState
from kiwisms.domain.ids import (
    AccountId,
    ActivationId,
    DeliveryId,
    IdempotencyKey,
    IncidentId,
    KeyPrefix,
    MessageId,
    RentalId,
    TrailId,
    TransferId,
)
from kiwisms.domain.incident import Incident, IncidentKind
from kiwisms.domain.ledger import LedgerAccount, Transfer
from kiwisms.domain.money import Money, cents
from kiwisms.domain.pace import Pace
from kiwisms.domain.push import PushedMessage
from kiwisms.domain.reconciliation import Balance
from kiwisms.domain.rental import Rental
from kiwisms.domain.rental_state import State
from kiwisms.domain.sms import Code, Message
from kiwisms.domain.trail import Action, TrailEntry
from kiwisms.domain.wallet import Wallet
from kiwisms.domain.webhook import Webhook
from kiwisms.ports.store import Store
from tests.postgres import database

NOW: Final = datetime(2026, 1, 2, 3, 4, 5, 678_901, tzinfo=UTC)
ADA: Final = AccountId("01890a5d-ac96-774b-bcce-b302099a8057")
BOB: Final = AccountId("01890a5d-ac96-774b-bcce-b302099a8058")


def seconds(number: float) -> timedelta:
    return timedelta(seconds=number)


@asynccontextmanager
async def memory() -> AsyncIterator[Store]:
    yield MemoryStore()


@asynccontextmanager
async def sqlite() -> AsyncIterator[Store]:
    with tempfile.TemporaryDirectory() as folder:
        async with SqliteStore(Path(folder) / "kiwisms.db") as store:
            await store.migrate()
            yield store


@asynccontextmanager
async def postgres() -> AsyncIterator[Store]:
    async with database() as url, PostgresStore(url) as store:
        yield store


OPEN: Final[Mapping[str, Callable[[], AbstractAsyncContextManager[Store]]]] = MappingProxyType(
    {"memory": memory, "sqlite": sqlite, "postgres": postgres}
)


def account(id: AccountId = ADA, email: str = "ada@example.com", at: datetime = NOW) -> Account:
    return Account(id=id, email=email, created_at=at)


def wallet(available: Money, held: Money, transfers: int, of: AccountId = ADA) -> Wallet:
    return Wallet(account_id=of, available=available, held=held, transfers=transfers)


def transfer(number: int = 1, id: str = "credit:a", of: AccountId = ADA) -> Transfer:
    return Transfer(
        account_id=of,
        number=number,
        id=TransferId(id),
        debit=LedgerAccount.FUNDING,
        credit=LedgerAccount.AVAILABLE,
        amount=Money(1_234_567),
        reason="top-up “é”",
        at=NOW,
    )


def requested(id: str = "r-1", of: AccountId = ADA, at: datetime = NOW) -> Rental:
    return Rental.request(
        id=RentalId(id),
        account_id=of,
        service=ServiceCode("go"),
        service_name="Google",
        country=CountryCode("187"),
        price=cents(39),
        at=at,
        pace=Pace(),
    )


def waiting(id: str = "r-1", of: AccountId = ADA, at: datetime = NOW) -> Rental:
    return requested(id, of, at).rent(
        activation_id=ActivationId(f"9{id}" if of == ADA else f"{id} of {of}"),
        phone="12025550123",
        price=cents(39),
        cost=Money(300_001),
        asleep_until=None,
        at=at,
        pace=Pace(),
    )


def received(id: str = "r-1", of: AccountId = ADA, at: datetime = NOW) -> Rental:
    message = Message(code=Code("0042"), text="your code: 0042 ☃", at=at + seconds(1))
    other = Message(code=Code("7"), text=None, at=at + seconds(2))
    once = waiting(id, of, at).receive(message, at + seconds(1), Pace())
    return once.receive(other, at + seconds(2), Pace())


FULL_RENTAL: Final = evolve(
    received(),
    key_prefix=KeyPrefix("p" * 32),
    idempotency_key=IdempotencyKey("order “42”"),
    renews=RentalId("r-0"),
    asleep_until=NOW + seconds(60),
    done_at=NOW + seconds(9),
)


def step(state: State = State.WAITING, messages: int = 0, rental: str = "r-1") -> Step:
    return Step(
        account_id=ADA,
        rental_id=RentalId(rental),
        state=state,
        messages=messages,
        by="operator",
        at=NOW,
    )


def record(state: KeyState = KeyState.RUNNING, key: str = "order-42") -> IdempotencyRecord:
    return IdempotencyRecord(
        account_id=ADA,
        key=IdempotencyKey(key),
        fingerprint=Fingerprint("f" * 64),
        rental_id=RentalId("r-1"),
        state=state,
        claimed_at=NOW,
    )


def api_key(prefix: str = "p1", at: datetime = NOW) -> ApiKey:
    return ApiKey(
        account_id=ADA,
        prefix=KeyPrefix(prefix),
        secret_hash="h" * 64,
        label="server",
        created_at=at,
        revoked_at=NOW + seconds(9),
    )


def webhook(key_prefix: str | None = None) -> Webhook:
    return Webhook(
        account_id=ADA,
        key_prefix=None if key_prefix is None else KeyPrefix(key_prefix),
        url="https://example.com/hook",
        events=frozenset({WebhookEvent.RENTAL_EXPIRED, WebhookEvent.WALLET_LOW}),
        low=cents(500),
        sealed_secret="sealed",
        sealed_old_secret="older",
        rotated_at=NOW,
        stopped_at=NOW + seconds(1),
    )


def delivery(
    id: str = "d-1", *, due_at: datetime | None = NOW, of: AccountId = ADA, at: datetime = NOW
) -> Delivery:
    return Delivery(
        account_id=of,
        id=DeliveryId(id),
        key_prefix=KeyPrefix("p1"),
        event="sms.received",
        rental_id=RentalId("r-1"),
        body='{"code": "0042"}',
        status=DeliveryStatus.PENDING,
        attempts=2,
        tries_left=5,
        last_error="500",
        failures=(
            FailedTry(at=NOW - seconds(9), error="“no” address"),
            FailedTry(at=NOW, error="500"),
        ),
        created_at=at,
        due_at=due_at,
    )


def incident(
    id: str = "i-1", of: AccountId = ADA, at: datetime = NOW, *, due_at: datetime | None = NOW
) -> Incident:
    return Incident(
        account_id=of,
        id=IncidentId(id),
        rental_id=RentalId("r-1"),
        kind=IncidentKind.ANSWER_LOST,
        detail="no answer within 10 s",
        price=cents(39),
        before=Balance(amount=Money(300_000), at=at - seconds(5)),
        after=Balance(amount=Money(-1), at=at + seconds(5)),
        activation_id=ActivationId("9"),
        at=at,
        due_at=due_at,
        resolved_at=at + seconds(60),
        resolution="it is in upstream's list",
        unanswered=3,
    )


def open_incident(id: str = "i-1", of: AccountId = ADA, at: datetime = NOW) -> Incident:
    return evolve(
        incident(id, of, at),
        before=None,
        after=None,
        activation_id=None,
        due_at=at,
        resolved_at=None,
        resolution=None,
    )


def trail_entry(id: str = "t-1", at: datetime = NOW) -> TrailEntry:
    return TrailEntry(
        account_id=ADA,
        id=TrailId(id),
        at=at,
        by="operator",
        action=Action.ACCOUNT_SUSPENDED,
        subject="p1",
        detail="numbers “cancelled”",
    )


def pushed(id: str = "5001", activation: str = "9r-1", at: datetime = NOW) -> PushedMessage:
    return PushedMessage(
        id=MessageId(id),
        activation_id=ActivationId(activation),
        service=ServiceCode("go"),
        code=Code("0042"),
        text="your code: 0042 ☃",
        received_at=NOW - seconds(1),
        arrived_at=at,
    )


SUSPENDED: Final = evolve(
    account(), status=AccountStatus.SUSPENDED, suspended_for="fraud", password_hash="$argon2id$"
)
