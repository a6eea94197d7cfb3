"""A unit of work on one account: what it reads and saves, and what keeps it from its end."""

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
error. Of all others, the last one saved under a key stands.
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

    A store that is far away brings it along as it begins: one round trip, not several.

    Attributes:
        rental_id: A rental.
        key: An idempotency key.
        usage: What to count.
        after: A transaction of the account that was left and wrote. As long as nobody else has
            written here, what it knew may stand for reads. What others wrote meanwhile then shows
            at the end, as `TransactionConflict`: so this is only for who will write in any case.
    """

    rental_id: RentalId | None = None
    key: IdempotencyKey | None = None
    usage: UsageQuery | None = None
    after: "Transaction | None" = None


NO_PREFETCH: Final = Prefetch()
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

    async def usage(self, asked: UsageQuery) -> Usage:
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
