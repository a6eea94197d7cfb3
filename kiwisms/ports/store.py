"""Where facts are kept: read at once, written together, and never half."""

from collections.abc import AsyncIterator, Collection, Sequence
from contextlib import AbstractAsyncContextManager
from datetime import datetime
from typing import Final, Protocol

from attrs import frozen

from kiwisms.domain.account import Account, ApiKey
from kiwisms.domain.books import Books
from kiwisms.domain.delivery import Delivery, Webhook
from kiwisms.domain.errors import KiwismsError
from kiwisms.domain.idempotency import IdempotencyRecord
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
from kiwisms.domain.incident import Incident
from kiwisms.domain.ledger import Transfer
from kiwisms.domain.push import PushedMessage
from kiwisms.domain.reconciliation import Outlay, Reading
from kiwisms.domain.rental import Rental, State, Step
from kiwisms.domain.trail import TrailEntry
from kiwisms.domain.wallet import Wallet

Fact = (
    Account
    | ApiKey
    | Wallet
    | Transfer
    | Rental
    | Step
    | IdempotencyRecord
    | Webhook
    | Delivery
    | Incident
    | TrailEntry
)
"""
All that a transaction can save.

Transfers, steps and trail entries are only ever added, and a second one with the same key is an
error. Of all others, the last one saved under a key stands.
"""


class TransactionOutrun(KiwismsError):
    """Another process wrote to the account first; nothing was written: run it again."""

    code = "TRANSACTION_OUTRUN"


class NumberTaken(KiwismsError):
    """Upstream gave a number that another rental has; nothing was written."""

    code = "NUMBER_TAKEN"


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
class UsageAsked:
    """
    What to count.

    Attributes:
        now: The moment at which a rental is active.
        since: The moment from which cancels are counted.
        most_cancels: How many of them are allowed; at least 1.
    """

    now: datetime
    since: datetime
    most_cancels: int


@frozen(kw_only=True)
class Usage:
    """
    How much an account uses of what is limited.

    Attributes:
        active: Its rentals that are requested, or active.
        nth_cancel: When its *most_cancels*-th newest cancel was; ``None`` when there were fewer
            since the moment asked for.
    """

    active: int
    nth_cancel: datetime | None


@frozen(kw_only=True)
class Pruned:
    """How many records were removed."""

    keys: int = 0
    deliveries: int = 0
    incidents: int = 0
    entries: int = 0
    pushes: int = 0


@frozen(kw_only=True)
class Ahead:
    """
    What a transaction is about to read.

    A store that is far away brings it along as it locks the account: one way instead of several.

    Attributes:
        rental_id: A rental.
        key: An idempotency key.
        usage: What to count.
        after: A transaction of the account that was left and wrote. As long as nobody else has
            written here, what it knew may stand for reads. What others wrote meanwhile then shows
            at the end, as `TransactionOutrun`: so this is only for who will write in any case.
    """

    rental_id: RentalId | None = None
    key: IdempotencyKey | None = None
    usage: UsageAsked | None = None
    after: "Transaction | None" = None


NOTHING_AHEAD: Final = Ahead()
NO_PLACE: Final = "as many numbers wait upstream as may"
"""Why a store refuses a rental with `ServiceUnavailable`."""


class Transaction(Protocol):
    """
    A unit of work on one account.

    Reads see what was committed before; saves are sent with the commit. No network call to
    anyone else belongs inside.
    """

    async def account(self) -> Account:
        """The account itself."""
        ...

    async def wallet(self) -> Wallet:
        """The account's wallet."""
        ...

    async def transfer(self, transfer_id: TransferId) -> Transfer | None:
        """One transfer of the account."""
        ...

    async def rental(self, rental_id: RentalId) -> Rental | None:
        """One rental of the account, in whatever state."""
        ...

    async def usage(self, asked: UsageAsked) -> Usage:
        """Count what limits are set on for each account."""
        ...

    async def idempotency(self, key: IdempotencyKey) -> IdempotencyRecord | None:
        """What is known of one of the account's idempotency keys."""
        ...

    async def api_key(self, prefix: KeyPrefix) -> ApiKey | None:
        """One API key of the account."""
        ...

    async def webhook(self, key_prefix: KeyPrefix | None) -> Webhook | None:
        """The address for exactly this key, or with ``None`` the account's own."""
        ...

    async def delivery(self, delivery_id: DeliveryId) -> Delivery | None:
        """One webhook delivery of the account."""
        ...

    async def incident(self, incident_id: IncidentId) -> Incident | None:
        """One incident of the account."""
        ...

    def save(self, *facts: Fact) -> None:
        """Write *facts* when the transaction is left; all must be the account's own."""
        ...

    def take_place(self, rental_id: RentalId, /, *, most: int) -> None:
        """
        Take one of *most* places upstream for a rental that is saved here for the first time.

        They are shared by all accounts and processes, and counted when the transaction is left.
        The rental keeps its place until it is saved in a state that is not UNDECIDED. A
        transaction takes one place at most.
        """
        ...

    def remove(self, webhook: Webhook) -> None:
        """Forget a webhook address when the transaction is left."""
        ...


class Store(Protocol):
    """
    Everything that is kept.

    Every method raises `StoreUnavailable` when the store cannot be asked.
    """

    def transaction(
        self, account_id: AccountId, ahead: Ahead = NOTHING_AHEAD, /
    ) -> AbstractAsyncContextManager[Transaction]:
        """
        Lock an account; leaving commits durably, an exception leaves no trace.

        Transactions of one account run one after another. Any of them may read more or less than
        it said *ahead*.

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
