"""Where facts are kept: read at once, written together, and never half."""

from collections.abc import AsyncIterator, Collection, Sequence
from contextlib import AbstractAsyncContextManager
from datetime import datetime
from typing import Protocol

from attrs import frozen

from kiwisms.domain.account import Account
from kiwisms.domain.api_key import ApiKey
from kiwisms.domain.books import Books
from kiwisms.domain.delivery import Delivery
from kiwisms.domain.errors import KiwismsError
from kiwisms.domain.history import Step
from kiwisms.domain.idempotency import IdempotencyRecord
from kiwisms.domain.ids import (
    AccountId,
    ActivationId,
    DeliveryId,
    IdempotencyKey,
    IncidentId,
    KeyPrefix,
    RentalId,
)
from kiwisms.domain.incident import Incident
from kiwisms.domain.ledger import Transfer
from kiwisms.domain.push import PushedMessage
from kiwisms.domain.reconciliation import Outlay, Reading
from kiwisms.domain.rental import Rental, State
from kiwisms.domain.trail import TrailEntry
from kiwisms.domain.wallet import Wallet
from kiwisms.domain.webhook import Webhook
from kiwisms.ports.transaction import NOTHING_AHEAD, Ahead, Transaction


class StoreUnavailable(KiwismsError):
    """The store did not take or give what it was asked for; nothing was acknowledged."""

    code = "STORE_UNAVAILABLE"


class SchemaMismatch(KiwismsError):
    """The store's schema is older than the code (run ``kiwisms migrate``), or newer."""

    code = "SCHEMA_MISMATCH"

    def __init__(self, *, found: int, known: int) -> None:
        super().__init__(
            f"the store has schema {found}, and this kiwisms needs {known}: run `kiwisms migrate`"
            if found < known
            else f"the store has schema {found}, and this kiwisms knows only {known}:"
            " install a newer kiwisms"
        )
        self.found, self.known = found, known


@frozen(kw_only=True)
class Pruned:
    """How many records were removed."""

    keys: int = 0
    deliveries: int = 0
    incidents: int = 0
    entries: int = 0
    pushes: int = 0


class Store(Protocol):
    """
    Everything that is kept.

    Every method raises `StoreUnavailable` when the store cannot be asked.
    """

    def transaction(
        self, account_id: AccountId, ahead: Ahead = NOTHING_AHEAD, /
    ) -> AbstractAsyncContextManager[Transaction]:
        """
        Begin a unit of work; leaving commits durably, an exception leaves no trace.

        Within a process, those of one account run one after another. Of two processes, the one
        that leaves last is `TransactionOutrun`: its reads may have seen different commits, and
        only a write proves that they did not. Any may read more or less than it said *ahead*.

        Raises:
            AccountNotFound: On entering, when there is no such account.
            ServiceUnavailable: On leaving, when no place upstream is free; nothing was written.
            NumberTaken: On leaving, when a rental that is saved OPEN has the activation of another
                one that is, of whatever account; nothing was written.
            TransactionOutrun: On leaving, when another process wrote to the account meanwhile.
            StoreUnavailable: On leaving, when the commit failed.
        """
        ...

    async def create_account(self, account: Account, entry: TrailEntry | None = None) -> None:
        """Add an account with an empty wallet, and the *entry* of that; raises `EmailTaken`."""
        ...

    async def account(self, account_id: AccountId) -> Account | None:
        """Read one account."""
        ...

    async def account_by_email(self, email: str) -> Account | None:
        """Find an account by its normal email."""
        ...

    async def accounts(self) -> Sequence[Account]:
        """All accounts, the oldest first."""
        ...

    async def api_key(self, account_id: AccountId, prefix: KeyPrefix) -> ApiKey | None:
        """Read one API key."""
        ...

    async def api_keys(self, account_id: AccountId) -> Sequence[ApiKey]:
        """An account's API keys, the oldest first."""
        ...

    async def wallet(self, account_id: AccountId) -> Wallet | None:
        """Read an account's wallet."""
        ...

    async def transfers(self, account_id: AccountId) -> Sequence[Transfer]:
        """An account's transfers by number."""
        ...

    async def idempotency(
        self, account_id: AccountId, key: IdempotencyKey
    ) -> IdempotencyRecord | None:
        """Read what is known of an idempotency key."""
        ...

    async def rental(self, account_id: AccountId, rental_id: RentalId) -> Rental | None:
        """Read one rental, in whatever state."""
        ...

    async def active_rentals(self, account_id: AccountId, now: datetime) -> Sequence[Rental]:
        """An account's rentals that are active at *now*, the newest first."""
        ...

    async def find_rental(self, rental_id: RentalId) -> Rental | None:
        """Find a rental without knowing its account: for the operator."""
        ...

    async def find_rental_by_activation(self, activation_id: ActivationId) -> Rental | None:
        """Find a rental by upstream's id of its number: an OPEN one first, and then the newest."""
        ...

    async def rentals(
        self, *, account_id: AccountId | None, state: State | None, limit: int
    ) -> Sequence[Rental]:
        """The newest rentals, of one account or of all, in one state or in any."""
        ...

    async def steps(self, account_id: AccountId, rental_id: RentalId) -> Sequence[Step]:
        """A rental's history in order."""
        ...

    async def webhook(self, account_id: AccountId, key_prefix: KeyPrefix | None) -> Webhook | None:
        """Read the address for exactly this key, or with ``None`` the account's own."""
        ...

    async def webhooks(self, account_id: AccountId) -> Sequence[Webhook]:
        """An account's webhook addresses, its own first."""
        ...

    async def deliveries(self, account_id: AccountId, *, limit: int) -> Sequence[Delivery]:
        """An account's newest webhook deliveries."""
        ...

    async def deliveries_of_rental(
        self, account_id: AccountId, rental_id: RentalId
    ) -> Sequence[Delivery]:
        """The deliveries of a rental's events, the oldest first."""
        ...

    async def find_delivery(self, delivery_id: DeliveryId) -> Delivery | None:
        """Find a delivery without knowing its account: for the operator."""
        ...

    async def incidents(self, *, open_only: bool = False, limit: int) -> Sequence[Incident]:
        """The newest incidents, or the newest that are open."""
        ...

    async def incidents_of_rental(
        self, account_id: AccountId, rental_id: RentalId
    ) -> Sequence[Incident]:
        """The incidents about a rental, by id: one made later sorts later."""
        ...

    async def trail(self, account_id: AccountId, *, limit: int) -> Sequence[TrailEntry]:
        """The newest entries of an account's trail, the newest first."""
        ...

    async def find_incident(self, incident_id: IncidentId) -> Incident | None:
        """Find an incident without knowing its account: for the operator."""
        ...

    async def count_open_incidents(self) -> int:
        """How many incidents of all accounts are open."""
        ...

    async def add_push(self, pushed: PushedMessage) -> bool:
        """Keep a pushed message durably; tells whether it is the first with its id."""
        ...

    async def pushes(self, activation_id: ActivationId) -> Sequence[PushedMessage]:
        """Every message that was pushed for a number, in the order of arrival."""
        ...

    async def unmatched_pushes(self, *, since: datetime, limit: int) -> Sequence[PushedMessage]:
        """The newest that arrived since then, for numbers that no rental and no incident has."""
        ...

    async def outlay(self, *, ending: datetime) -> Outlay:
        """Add up what upstream was paid; a number moves when it waits and expires by *ending*."""
        ...

    async def last_reading(self) -> Reading | None:
        """The newest reading of upstream's balance."""
        ...

    async def add_reading(self, reading: Reading) -> None:
        """Keep a reading."""
        ...

    async def claim_rental(
        self,
        account_id: AccountId,
        rental_id: RentalId,
        *,
        now: datetime,
        look_after: datetime,
        until: datetime,
    ) -> bool:
        """
        Take the right to look upstream at one rental, once.

        Only when it is OPEN and its ``look_after`` has come. Of all who ask at once, one is given
        it.

        Args:
            account_id: Whose rental.
            rental_id: Which.
            now: The moment of the look.
            look_after: Becomes the rental's: whoever polls may look again then, also when this
                look never ended.
            until: Becomes its ``due_at``: nobody need look by himself before.
        """
        ...

    async def hasten_rental(
        self, account_id: AccountId, rental_id: RentalId, *, now: datetime
    ) -> bool:
        """Make a rental due now, and let it be looked at; tells whether it is OPEN."""
        ...

    async def claim_due_rentals(
        self, *, now: datetime, look_after: datetime, until: datetime, limit: int
    ) -> Sequence[Rental]:
        """
        Take rentals whose ``due_at`` has come, the longest due first.

        Their ``due_at`` becomes *until*, so no other worker takes them before, and one does
        after; *look_after* is as in `claim_rental`. Returns them as they are now.
        """
        ...

    async def claim_due_deliveries(
        self,
        *,
        now: datetime,
        until: datetime,
        limit: int,
        per_account: int,
        busy: Collection[AccountId] = (),
    ) -> Sequence[Delivery]:
        """
        Take deliveries whose ``due_at`` has come, as `claim_due_rentals` does.

        Of each account the *per_account* longest due are given at most, and of those that are
        *busy* none, however many are due.
        """
        ...

    async def claim_due_incidents(
        self, *, now: datetime, until: datetime, limit: int
    ) -> Sequence[Incident]:
        """Take incidents whose ``due_at`` has come, as `claim_due_rentals` does."""
        ...

    async def next_due(self) -> datetime | None:
        """When the next rental, delivery or incident comes due, if any ever does."""
        ...

    def books(self) -> AsyncIterator[Books]:
        """Every account's books, each read at one moment."""
        ...

    async def prune_pushes(self, *, before: datetime, limit: int) -> int:
        """
        Remove pushed messages that arrived *before* and are of no more use, at most *limit*.

        Kept are those of numbers that no rental and no incident has, that a rental still has
        (OPEN), or that an open incident is about. Returns how many were removed.
        """
        ...

    async def prune(self, account_id: AccountId, *, before: datetime, limit: int) -> Pruned:
        """
        Remove an account's records that have ended *before*, at most *limit* of each kind.

        These are idempotency keys claimed, deliveries created, incidents resolved and trail
        entries made before then. What is running, on its way or open stays, as does an incident
        whose number has pushed messages: it tells whose they are. No transfer and no rental is
        ever removed.
        """
        ...

    async def schema_version(self) -> int:
        """The number of the last migration that the store has; 0 when it has none."""
        ...

    async def check(self) -> None:
        """
        Raise `StoreUnavailable` or `SchemaMismatch` unless the store can be used.

        A schema that grew newer since the store was opened can be: what a newer version adds does
        not stop this one.
        """
        ...
