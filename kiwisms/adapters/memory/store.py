"""A store in this process's memory."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable, Collection, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from heapq import nlargest
from typing import TypeVar
from weakref import WeakValueDictionary

from attrs import evolve

from kiwisms.adapters.memory.records import Records
from kiwisms.adapters.memory.transaction import MemoryTransaction
from kiwisms.domain.account import Account, AccountNotFound, EmailTaken
from kiwisms.domain.api_key import ApiKey
from kiwisms.domain.books import Books
from kiwisms.domain.catalog import ServiceUnavailable
from kiwisms.domain.delivery import Delivery
from kiwisms.domain.history import Step, in_order
from kiwisms.domain.idempotency import IdempotencyRecord
from kiwisms.domain.ids import (
    AccountId,
    ActivationId,
    DeliveryId,
    IdempotencyKey,
    IncidentId,
    KeyPrefix,
    MessageId,
    RentalId,
)
from kiwisms.domain.incident import Incident
from kiwisms.domain.ledger import Transfer
from kiwisms.domain.money import ZERO
from kiwisms.domain.push import PushedMessage
from kiwisms.domain.reconciliation import PAID_UPSTREAM, Outlay, Reading
from kiwisms.domain.rental import OPEN, Rental, State, foremost
from kiwisms.domain.trail import TrailEntry
from kiwisms.domain.wallet import Wallet
from kiwisms.domain.webhook import Webhook
from kiwisms.ports.store import Pruned, StoreUnavailable
from kiwisms.ports.transaction import NO_PLACE, NOTHING_AHEAD, Ahead, NumberTaken

T = TypeVar("T")
Work = TypeVar("Work", Rental, Delivery, Incident)


class MemoryStore:
    """
    A `Store` for fast tests: what any other store does, without a disk under it.

    Times must have a zone, as everywhere. Another process can never be first.
    """

    def __init__(self) -> None:
        self._records: dict[AccountId, Records] = {}
        self._locks: WeakValueDictionary[AccountId, asyncio.Lock] = WeakValueDictionary()
        self._pushes: dict[MessageId, PushedMessage] = {}
        self._readings: list[Reading] = []

    @asynccontextmanager
    async def transaction(
        self, account_id: AccountId, _ahead: Ahead = NOTHING_AHEAD
    ) -> AsyncIterator[MemoryTransaction]:
        """Lock an account; leaving commits, an exception leaves no trace."""
        async with self._lock(account_id):
            if account_id not in self._records:
                raise AccountNotFound(account_id)
            tx = MemoryTransaction(self._records[account_id])
            yield tx
            if tx.changes:
                # A commit always takes a while, so others run first here too.
                await asyncio.sleep(0)
                self._write(account_id, tx)

    async def create_account(self, account: Account, entry: TrailEntry | None = None) -> None:
        """Add an account with an empty wallet, and the *entry* of that; raises `EmailTaken`."""
        if any(account.email == each.account.email for each in self._records.values()):
            raise EmailTaken(account.email)
        if account.id in self._records:
            raise StoreUnavailable(
                f"the store refused the write: account {account.id} is there already"
            )
        records = Records(account=account, wallet=Wallet(account_id=account.id))
        if entry is not None:
            records.put(entry)
        self._records[account.id] = records

    async def account(self, account_id: AccountId) -> Account | None:
        """Read one account."""
        own = self._records.get(account_id)
        return own.account if own else None

    async def account_by_email(self, email: str) -> Account | None:
        """Find an account by its normal email."""
        accounts = (each.account for each in self._records.values())
        return next((account for account in accounts if account.email == email), None)

    async def accounts(self) -> Sequence[Account]:
        """All accounts, the oldest first."""
        accounts = (each.account for each in self._records.values())
        return sorted(accounts, key=lambda account: (account.created_at, account.id))

    async def api_key(self, account_id: AccountId, prefix: KeyPrefix) -> ApiKey | None:
        """Read one API key."""
        own = self._records.get(account_id)
        return own.api_keys.get(prefix) if own else None

    async def api_keys(self, account_id: AccountId) -> Sequence[ApiKey]:
        """An account's API keys, the oldest first."""
        keys = self._of(account_id, lambda own: own.api_keys.values())
        return sorted(keys, key=lambda key: (key.created_at, key.prefix))

    async def wallet(self, account_id: AccountId) -> Wallet | None:
        """Read an account's wallet."""
        own = self._records.get(account_id)
        return own.wallet if own else None

    async def transfers(self, account_id: AccountId) -> Sequence[Transfer]:
        """An account's transfers by number."""
        transfers = self._of(account_id, lambda own: own.transfers.values())
        return sorted(transfers, key=lambda transfer: transfer.number)

    async def idempotency(
        self, account_id: AccountId, key: IdempotencyKey
    ) -> IdempotencyRecord | None:
        """Read what is known of an idempotency key."""
        own = self._records.get(account_id)
        return own.idempotency.get(key) if own else None

    async def rental(self, account_id: AccountId, rental_id: RentalId) -> Rental | None:
        """Read one rental, in whatever state."""
        own = self._records.get(account_id)
        return own.rentals.get(rental_id) if own else None

    async def active_rentals(self, account_id: AccountId, now: datetime) -> Sequence[Rental]:
        """An account's rentals that are active at *now*, the newest first."""
        rentals = self._of(account_id, lambda own: own.rentals.values())
        active = (rental for rental in rentals if rental.is_active(now))
        return sorted(active, key=_age, reverse=True)

    async def find_rental(self, rental_id: RentalId) -> Rental | None:
        """Find a rental without knowing its account."""
        return next((each for each in self._all_rentals() if each.id == rental_id), None)

    async def find_rental_by_activation(self, activation_id: ActivationId) -> Rental | None:
        """Find a rental by upstream's id of its number."""
        return foremost(each for each in self._all_rentals() if each.activation_id == activation_id)

    async def rentals(
        self, *, account_id: AccountId | None, state: State | None, limit: int
    ) -> Sequence[Rental]:
        """The newest rentals, of one account or of all, in one state or in any."""
        asked = (
            rental
            for rental in self._all_rentals()
            if account_id in {None, rental.account_id} and state in {None, rental.state}
        )
        return nlargest(limit, asked, key=_age)

    async def steps(self, account_id: AccountId, rental_id: RentalId) -> Sequence[Step]:
        """A rental's history in order."""
        steps = self._of(account_id, lambda own: own.steps.values())
        return in_order(step for step in steps if step.rental_id == rental_id)

    async def webhook(self, account_id: AccountId, key_prefix: KeyPrefix | None) -> Webhook | None:
        """Read the address for exactly this key, or with ``None`` the account's own."""
        own = self._records.get(account_id)
        return own.webhooks.get(key_prefix) if own else None

    async def webhooks(self, account_id: AccountId) -> Sequence[Webhook]:
        """An account's webhook addresses, its own first."""
        webhooks = self._of(account_id, lambda own: own.webhooks.values())
        return sorted(webhooks, key=lambda webhook: webhook.key_prefix or "")

    async def deliveries(self, account_id: AccountId, *, limit: int) -> Sequence[Delivery]:
        """An account's newest webhook deliveries."""
        deliveries = self._of(account_id, lambda own: own.deliveries.values())
        return nlargest(limit, deliveries, key=lambda each: (each.created_at, each.id))

    async def deliveries_of_rental(
        self, account_id: AccountId, rental_id: RentalId
    ) -> Sequence[Delivery]:
        """The deliveries of a rental's events, the oldest first."""
        deliveries = self._of(account_id, lambda own: own.deliveries.values())
        of_it = (each for each in deliveries if each.rental_id == rental_id)
        return sorted(of_it, key=lambda each: (each.created_at, each.id))

    async def find_delivery(self, delivery_id: DeliveryId) -> Delivery | None:
        """Find a delivery without knowing its account."""
        return next((each for each in self._all_deliveries() if each.id == delivery_id), None)

    async def incidents(self, *, open_only: bool = False, limit: int) -> Sequence[Incident]:
        """The newest incidents, or the newest that are open."""
        asked = (each for each in self._all_incidents() if each.is_open or not open_only)
        return nlargest(limit, asked, key=lambda incident: (incident.at, incident.id))

    async def incidents_of_rental(
        self, account_id: AccountId, rental_id: RentalId
    ) -> Sequence[Incident]:
        """The incidents about a rental, by id."""
        incidents = self._of(account_id, lambda own: own.incidents.values())
        of_it = (each for each in incidents if each.rental_id == rental_id)
        return sorted(of_it, key=lambda each: each.id)

    async def trail(self, account_id: AccountId, *, limit: int) -> Sequence[TrailEntry]:
        """The newest entries of an account's trail, the newest first."""
        entries = self._of(account_id, lambda own: own.trail.values())
        return nlargest(limit, entries, key=lambda each: (each.at, each.id))

    async def find_incident(self, incident_id: IncidentId) -> Incident | None:
        """Find an incident without knowing its account."""
        return next((each for each in self._all_incidents() if each.id == incident_id), None)

    async def count_open_incidents(self) -> int:
        """How many incidents of all accounts are open."""
        return sum(each.is_open for each in self._all_incidents())

    async def add_push(self, pushed: PushedMessage) -> bool:
        """Keep a pushed message; tells whether it is the first with its id."""
        is_first = pushed.id not in self._pushes
        self._pushes.setdefault(pushed.id, pushed)
        return is_first

    async def pushes(self, activation_id: ActivationId) -> Sequence[PushedMessage]:
        """Every message that was pushed for a number, in the order of arrival."""
        pushes = (each for each in self._pushes.values() if each.activation_id == activation_id)
        return sorted(pushes, key=lambda each: (each.arrived_at, each.id))

    async def unmatched_pushes(self, *, since: datetime, limit: int) -> Sequence[PushedMessage]:
        """The newest that arrived since then, for numbers that no rental and no incident has."""
        known = {rental.activation_id for rental in self._all_rentals()}
        known |= {incident.activation_id for incident in self._all_incidents()}
        unmatched = (
            each
            for each in self._pushes.values()
            if each.activation_id not in known and each.arrived_at >= since
        )
        return nlargest(limit, unmatched, key=lambda each: (each.arrived_at, each.id))

    async def outlay(self, *, ending: datetime) -> Outlay:
        """Add up what upstream was paid."""
        paid = [rental for rental in self._all_rentals() if rental.state in PAID_UPSTREAM]
        moving = (
            rental.state is State.REQUESTED
            or (rental.state is State.WAITING and rental.expires_at <= ending)
            for rental in self._all_rentals()
        )
        return Outlay(
            spent=sum((rental.cost or ZERO for rental in paid), start=ZERO),
            uncosted=sum(rental.cost is None for rental in paid),
            moving=sum(moving),
        )

    async def last_reading(self) -> Reading | None:
        """The newest reading of upstream's balance."""
        return max(self._readings, key=lambda reading: reading.at, default=None)

    async def add_reading(self, reading: Reading) -> None:
        """Keep a reading."""
        self._readings.append(reading)

    async def claim_rental(
        self,
        account_id: AccountId,
        rental_id: RentalId,
        *,
        now: datetime,
        look_after: datetime,
        until: datetime,
    ) -> bool:
        """Take the right to look upstream at one rental, once."""
        rental = await self.rental(account_id, rental_id)
        if rental is None or not rental.may_be_looked_at(now):
            return False
        self._records[account_id].put(evolve(rental, look_after=look_after, due_at=until))
        return True

    async def hasten_rental(
        self, account_id: AccountId, rental_id: RentalId, *, now: datetime
    ) -> bool:
        """Make a rental due now, and let it be looked at; tells whether it is OPEN."""
        rental = await self.rental(account_id, rental_id)
        if rental is None or rental.state not in OPEN:
            return False
        self._records[account_id].put(evolve(rental, look_after=now, due_at=now))
        return True

    async def claim_due_rentals(
        self, *, now: datetime, look_after: datetime, until: datetime, limit: int
    ) -> Sequence[Rental]:
        """Take rentals whose ``due_at`` has come, the longest due first."""
        due = [
            evolve(rental, look_after=look_after, due_at=until)
            for rental in _due(self._all_rentals(), now, limit)
        ]
        for rental in due:
            self._records[rental.account_id].put(rental)
        return due

    async def claim_due_deliveries(
        self,
        *,
        now: datetime,
        until: datetime,
        limit: int,
        per_account: int,
        busy: Collection[AccountId] = (),
    ) -> Sequence[Delivery]:
        """Take deliveries whose ``due_at`` has come, a few of each account."""
        of_each = (
            delivery
            for account_id, own in self._records.items()
            if account_id not in busy
            for delivery in _due(own.deliveries.values(), now, per_account)
        )
        due = [evolve(delivery, due_at=until) for delivery in _due(of_each, now, limit)]
        for delivery in due:
            self._records[delivery.account_id].put(delivery)
        return due

    async def claim_due_incidents(
        self, *, now: datetime, until: datetime, limit: int
    ) -> Sequence[Incident]:
        """Take incidents whose ``due_at`` has come, the longest due first."""
        due = [
            evolve(incident, due_at=until) for incident in _due(self._all_incidents(), now, limit)
        ]
        for incident in due:
            self._records[incident.account_id].put(incident)
        return due

    async def next_due(self) -> datetime | None:
        """When the next rental, delivery or incident comes due, if any ever does."""
        rentals = (rental.due_at for rental in self._all_rentals())
        deliveries = (delivery.due_at for delivery in self._all_deliveries())
        incidents = (incident.due_at for incident in self._all_incidents())
        dues = (due_at for due_at in (*rentals, *deliveries, *incidents) if due_at is not None)
        return min(dues, default=None)

    async def books(self) -> AsyncIterator[Books]:
        """Every account's books, each read at one moment."""
        for account in await self.accounts():
            yield self._records[account.id].books()

    async def prune_pushes(self, *, before: datetime, limit: int) -> int:
        """Remove pushed messages that arrived before and are of no more use."""
        rentals, incidents = list(self._all_rentals()), list(self._all_incidents())
        known = {rental.activation_id for rental in rentals}
        known |= {incident.activation_id for incident in incidents}
        used = {rental.activation_id for rental in rentals if rental.state in OPEN}
        used |= {incident.activation_id for incident in incidents if incident.is_open}
        gone = [
            each.id
            for each in self._pushes.values()
            if each.arrived_at < before and each.activation_id in known - used
        ][:limit]
        for message_id in gone:
            del self._pushes[message_id]
        return len(gone)

    async def prune(self, account_id: AccountId, *, before: datetime, limit: int) -> Pruned:
        """Remove an account's records that have ended before a moment."""
        pushed_for = {each.activation_id for each in self._pushes.values()}
        return self._records[account_id].prune(before, limit, pushed_for)

    async def schema_version(self) -> int:
        """Always 0: there is no schema."""
        return 0

    async def check(self) -> None:
        """Do nothing: memory can always be used."""

    def _lock(self, account_id: AccountId) -> asyncio.Lock:
        return self._locks.setdefault(account_id, asyncio.Lock())

    def _of(self, account_id: AccountId, facts: Callable[[Records], Iterable[T]]) -> Iterable[T]:
        own = self._records.get(account_id)
        return facts(own) if own else ()

    def _write(self, account_id: AccountId, tx: MemoryTransaction) -> None:
        draft = self._records[account_id].draft()
        for change in tx.changes:
            change(draft)
        if tx.most_waiting is not None:
            everybody = self._records | {account_id: draft}
            if sum(own.waiting_upstream() for own in everybody.values()) > tx.most_waiting:
                raise ServiceUnavailable(NO_PLACE)
        if tx.numbers:
            self._must_be_ones(tx.numbers, self._records | {account_id: draft})
        self._records[account_id] = draft

    def _must_be_ones(
        self, numbers: Collection[ActivationId], everybody: Mapping[AccountId, Records]
    ) -> None:
        rentals = (rental for own in everybody.values() for rental in own.rentals.values())
        having = Counter(each.activation_id for each in rentals if each.state in OPEN)
        if any(having[number] > 1 for number in numbers):
            raise NumberTaken("another rental has the number")

    def _all_rentals(self) -> Iterable[Rental]:
        return (rental for own in self._records.values() for rental in own.rentals.values())

    def _all_incidents(self) -> Iterable[Incident]:
        return (each for own in self._records.values() for each in own.incidents.values())

    def _all_deliveries(self) -> Iterable[Delivery]:
        return (each for own in self._records.values() for each in own.deliveries.values())


def _due(work: Iterable[Work], now: datetime, limit: int) -> list[Work]:
    due = sorted(
        (each.due_at, each.account_id, each.id, each)
        for each in work
        if each.due_at is not None and each.due_at <= now
    )
    return [each for _, _, _, each in due[:limit]]


def _age(rental: Rental) -> tuple[datetime, RentalId]:
    return rental.created_at, rental.id
