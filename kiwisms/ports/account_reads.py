"""Reads of one account, outside a unit of work."""

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from kiwisms.domain.account import Account
from kiwisms.domain.api_key import ApiKey
from kiwisms.domain.delivery import Delivery
from kiwisms.domain.history import Step
from kiwisms.domain.idempotency import IdempotencyRecord
from kiwisms.domain.ids import AccountId, IdempotencyKey, KeyPrefix, RentalId
from kiwisms.domain.incident import Incident
from kiwisms.domain.ledger import Transfer
from kiwisms.domain.rental import Rental
from kiwisms.domain.trail import TrailEntry
from kiwisms.domain.wallet import Wallet
from kiwisms.domain.webhook import Webhook


class AccountReads(Protocol):
    """
    Reads of one account.

    A record of another account is reported as missing.
    """

    async def account(self, account_id: AccountId) -> Account | None:
        """Read one account."""
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
        """Read the record of an idempotency key."""
        ...

    async def rental(self, account_id: AccountId, rental_id: RentalId) -> Rental | None:
        """Read one rental, in any state."""
        ...

    async def active_rentals(self, account_id: AccountId, now: datetime) -> Sequence[Rental]:
        """An account's rentals that are active at *now*, the newest first."""
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

    async def incidents_of_rental(
        self, account_id: AccountId, rental_id: RentalId
    ) -> Sequence[Incident]:
        """The incidents about a rental, the oldest first."""
        ...

    async def trail(self, account_id: AccountId, *, limit: int) -> Sequence[TrailEntry]:
        """The newest entries of an account's trail, the newest first."""
        ...
