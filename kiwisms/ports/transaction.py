"""A unit of work on one account: its reads, its writes, and the errors that abort it."""

from typing import Final, Protocol

from attrs import frozen

from kiwisms.domain.account import Account
from kiwisms.domain.api_key import ApiKey
from kiwisms.domain.delivery import Delivery
from kiwisms.domain.errors import KiwismsError
from kiwisms.domain.history import Step
from kiwisms.domain.idempotency import IdempotencyRecord
from kiwisms.domain.ids import (
    DeliveryId,
    IdempotencyKey,
    IncidentId,
    KeyPrefix,
    RentalId,
    TransferId,
)
from kiwisms.domain.incident import Incident
from kiwisms.domain.ledger import Transfer
from kiwisms.domain.rental import Rental
from kiwisms.domain.trail import TrailEntry
from kiwisms.domain.usage import Usage, UsageQuery
from kiwisms.domain.wallet import Wallet
from kiwisms.domain.webhook import Webhook

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
error. For all others, the last one saved under a key replaces the earlier ones.
"""


class TransactionConflict(KiwismsError):
    """Another process wrote to the account first; nothing was written: run it again."""

    code = "TRANSACTION_CONFLICT"


class NumberTaken(KiwismsError):
    """Upstream gave a number that another rental has; nothing was written."""

    code = "NUMBER_TAKEN"


@frozen(kw_only=True)
class Prefetch:
    """
    What a transaction is about to read.

    A remote store reads it while it begins the transaction: one round trip, not several.

    Attributes:
        rental_id: A rental.
        key: An idempotency key.
        usage: What to count.
        after: An earlier transaction of the account, which wrote and was left. Unless this process
            has written to the account since, its facts may be used instead of reads. What another
            process wrote meanwhile then shows only at the end, as `TransactionConflict`. So pass
            it only when the transaction will write in any case.
    """

    rental_id: RentalId | None = None
    key: IdempotencyKey | None = None
    usage: UsageQuery | None = None
    after: "Transaction | None" = None


NO_PREFETCH: Final = Prefetch()
NO_PLACE: Final = "too many numbers are waiting upstream"
"""The reason when a store refuses a rental with `ServiceUnavailable`."""


class Transaction(Protocol):
    """
    A unit of work on one account.

    Reads see what was committed before; saves are sent with the commit. Inside, make no network
    call to anything but the store.
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
        """One rental of the account, in any state."""
        ...

    async def usage(self, asked: UsageQuery) -> Usage:
        """Count how much of its limits the account uses."""
        ...

    async def idempotency(self, key: IdempotencyKey) -> IdempotencyRecord | None:
        """The record of one of the account's idempotency keys."""
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
        """Write *facts* when the transaction is left; all must belong to the account."""
        ...

    def take_place(self, rental_id: RentalId, /, *, most: int) -> None:
        """
        Take one of *most* places upstream for a rental that is saved here for the first time.

        All accounts and processes share them; they are counted when the transaction is left.
        The rental keeps its place until it is saved in a state that is not UNDECIDED. A
        transaction can take one place at most.
        """
        ...

    def remove(self, webhook: Webhook) -> None:
        """Remove a webhook address when the transaction is left."""
        ...
