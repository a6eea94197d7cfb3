"""The reads of one account, outside a unit of work."""

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from heapq import nlargest
from typing import TypeVar

from kiwisms.adapters.memory.records import Records
from kiwisms.adapters.memory.tables import Tables, age
from kiwisms.domain.account import Account
from kiwisms.domain.api_key import ApiKey
from kiwisms.domain.delivery import Delivery
from kiwisms.domain.history import Step, in_order
from kiwisms.domain.idempotency import IdempotencyRecord
from kiwisms.domain.ids import AccountId, IdempotencyKey, KeyPrefix, RentalId
from kiwisms.domain.incident import Incident
from kiwisms.domain.ledger import Transfer
from kiwisms.domain.rental import Rental
from kiwisms.domain.trail import TrailEntry
from kiwisms.domain.wallet import Wallet
from kiwisms.domain.webhook import Webhook

T = TypeVar("T")


class AccountReads(Tables):
    """`AccountReads` for the store in memory."""

    async def account(self, account_id: AccountId) -> Account | None:
        """Read one account."""
        own = self._records.get(account_id)
        return own.account if own else None

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
        """Read the record of an idempotency key."""
        own = self._records.get(account_id)
        return own.idempotency.get(key) if own else None

    async def rental(self, account_id: AccountId, rental_id: RentalId) -> Rental | None:
        """Read one rental, in any state."""
        own = self._records.get(account_id)
        return own.rentals.get(rental_id) if own else None

    async def active_rentals(self, account_id: AccountId, now: datetime) -> Sequence[Rental]:
        """An account's rentals that are active at *now*, the newest first."""
        rentals = self._of(account_id, lambda own: own.rentals.values())
        active = (rental for rental in rentals if rental.is_active(now))
        return sorted(active, key=age, reverse=True)

    async def steps(self, account_id: AccountId, rental_id: RentalId) -> Sequence[Step]:
        """A rental's history in order."""
        steps = self._of(account_id, lambda own: own.steps.values())
        return in_order(step for step in steps if step.rental_id == rental_id)

    async def webhook(self, account_id: AccountId, key_prefix: KeyPrefix | None) -> Webhook | None:
        """Read the address of exactly this key; with ``None``, the account's own."""
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

    async def incidents_of_rental(
        self, account_id: AccountId, rental_id: RentalId
    ) -> Sequence[Incident]:
        """The incidents about a rental, the oldest first."""
        incidents = self._of(account_id, lambda own: own.incidents.values())
        of_it = (each for each in incidents if each.rental_id == rental_id)
        return sorted(of_it, key=lambda each: (each.at, each.id))

    async def trail(self, account_id: AccountId, *, limit: int) -> Sequence[TrailEntry]:
        """The newest entries of an account's trail, the newest first."""
        entries = self._of(account_id, lambda own: own.trail.values())
        return nlargest(limit, entries, key=lambda each: (each.at, each.id))

    def _of(self, account_id: AccountId, facts: Callable[[Records], Iterable[T]]) -> Iterable[T]:
        own = self._records.get(account_id)
        return facts(own) if own else ()
