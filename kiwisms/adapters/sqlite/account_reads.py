"""What is read of one account, outside a unit of work."""

from collections.abc import Sequence
from datetime import datetime

from kiwisms.adapters.sql_rows.columns import from_key_prefix
from kiwisms.adapters.sqlite.columns import decode, from_moment
from kiwisms.adapters.sqlite.reader import Reader
from kiwisms.adapters.sqlite.statements import reads as sql
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


class AccountReads:
    """The part `AccountReads` of a store in SQLite."""

    _reader: Reader

    async def account(self, account_id: AccountId) -> Account | None:
        """Read one account."""
        row = self._reader.one(sql.ACCOUNT, (account_id,))
        return decode.account(row) if row else None

    async def api_key(self, account_id: AccountId, prefix: KeyPrefix) -> ApiKey | None:
        """Read one API key."""
        row = self._reader.one(sql.API_KEY, (account_id, prefix))
        return decode.api_key(row) if row else None

    async def api_keys(self, account_id: AccountId) -> Sequence[ApiKey]:
        """An account's API keys, the oldest first."""
        rows = self._reader.all(sql.API_KEYS_BY_AGE, (account_id,))
        return [decode.api_key(row) for row in rows]

    async def wallet(self, account_id: AccountId) -> Wallet | None:
        """Read an account's wallet."""
        row = self._reader.one(sql.WALLET, (account_id,))
        return decode.wallet(row) if row else None

    async def transfers(self, account_id: AccountId) -> Sequence[Transfer]:
        """An account's transfers by number."""
        rows = self._reader.all(sql.TRANSFERS_BY_NUMBER, (account_id,))
        return [decode.transfer(row) for row in rows]

    async def idempotency(
        self, account_id: AccountId, key: IdempotencyKey
    ) -> IdempotencyRecord | None:
        """Read what is known of an idempotency key."""
        row = self._reader.one(sql.IDEMPOTENCY, (account_id, key))
        return decode.idempotency(row) if row else None

    async def rental(self, account_id: AccountId, rental_id: RentalId) -> Rental | None:
        """Read one rental, in whatever state."""
        row = self._reader.kept(sql.RENTAL, (account_id, rental_id))
        return decode.rental(row) if row else None

    async def active_rentals(self, account_id: AccountId, now: datetime) -> Sequence[Rental]:
        """An account's rentals that are active at *now*, the newest first."""
        rows = self._reader.all(sql.ACTIVE_RENTALS, (account_id, from_moment(now)))
        return [decode.rental(row) for row in rows]

    async def steps(self, account_id: AccountId, rental_id: RentalId) -> Sequence[Step]:
        """A rental's history in order."""
        rows = self._reader.all(sql.STEPS, (account_id, rental_id))
        return in_order(decode.step(row) for row in rows)

    async def webhook(self, account_id: AccountId, key_prefix: KeyPrefix | None) -> Webhook | None:
        """Read the address for exactly this key, or with ``None`` the account's own."""
        row = self._reader.one(sql.WEBHOOK, (account_id, from_key_prefix(key_prefix)))
        return decode.webhook(row) if row else None

    async def webhooks(self, account_id: AccountId) -> Sequence[Webhook]:
        """An account's webhook addresses, its own first."""
        rows = self._reader.all(sql.WEBHOOKS_BY_KEY, (account_id,))
        return [decode.webhook(row) for row in rows]

    async def deliveries(self, account_id: AccountId, *, limit: int) -> Sequence[Delivery]:
        """An account's newest webhook deliveries."""
        rows = self._reader.all(sql.NEWEST_DELIVERIES, (account_id, limit))
        return [decode.delivery(row) for row in rows]

    async def deliveries_of_rental(
        self, account_id: AccountId, rental_id: RentalId
    ) -> Sequence[Delivery]:
        """The deliveries of a rental's events, the oldest first."""
        rows = self._reader.all(sql.DELIVERIES_OF_RENTAL, (account_id, rental_id))
        return [decode.delivery(row) for row in rows]

    async def incidents_of_rental(
        self, account_id: AccountId, rental_id: RentalId
    ) -> Sequence[Incident]:
        """The incidents about a rental, by id."""
        rows = self._reader.all(sql.INCIDENTS_OF_RENTAL, (account_id, rental_id))
        return [decode.incident(row) for row in rows]

    async def trail(self, account_id: AccountId, *, limit: int) -> Sequence[TrailEntry]:
        """The newest entries of an account's trail, the newest first."""
        rows = self._reader.all(sql.TRAIL, (account_id, limit))
        return [decode.trail_entry(row) for row in rows]
