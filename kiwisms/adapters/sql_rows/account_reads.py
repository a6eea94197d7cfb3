"""The reads of one account, outside a unit of work."""

from collections.abc import Sequence
from datetime import datetime

from kiwisms.adapters.sql_rows import statements as sql
from kiwisms.adapters.sql_rows.columns import from_key_prefix
from kiwisms.adapters.sql_rows.decode import Decode
from kiwisms.adapters.sql_rows.encode import Encode
from kiwisms.adapters.sql_rows.row_reader import RowReader
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
    """`AccountReads` for SQL stores, except ``rental``, which each store optimizes for polls."""

    _reader: RowReader
    _encode: Encode
    _decode: Decode

    async def account(self, account_id: AccountId) -> Account | None:
        """Read one account."""
        row = await self._reader.read_one(sql.ACCOUNT, (account_id,))
        return self._decode.account(row) if row else None

    async def api_key(self, account_id: AccountId, prefix: KeyPrefix) -> ApiKey | None:
        """Read one API key."""
        row = await self._reader.read_one(sql.API_KEY, (account_id, prefix))
        return self._decode.api_key(row) if row else None

    async def api_keys(self, account_id: AccountId) -> Sequence[ApiKey]:
        """An account's API keys, the oldest first."""
        rows = await self._reader.read_all(sql.API_KEYS_BY_AGE, (account_id,))
        return [self._decode.api_key(row) for row in rows]

    async def wallet(self, account_id: AccountId) -> Wallet | None:
        """Read an account's wallet."""
        row = await self._reader.read_one(sql.WALLET, (account_id,))
        return self._decode.wallet(row) if row else None

    async def transfers(self, account_id: AccountId) -> Sequence[Transfer]:
        """An account's transfers by number."""
        rows = await self._reader.read_all(sql.TRANSFERS_BY_NUMBER, (account_id,))
        return [self._decode.transfer(row) for row in rows]

    async def idempotency(
        self, account_id: AccountId, key: IdempotencyKey
    ) -> IdempotencyRecord | None:
        """Read the record of an idempotency key."""
        row = await self._reader.read_one(sql.IDEMPOTENCY, (account_id, key))
        return self._decode.idempotency(row) if row else None

    async def active_rentals(self, account_id: AccountId, now: datetime) -> Sequence[Rental]:
        """An account's rentals that are active at *now*, the newest first."""
        rows = await self._reader.read_all(
            sql.ACTIVE_RENTALS, (account_id, self._encode.moment(now))
        )
        return [self._decode.rental(row) for row in rows]

    async def steps(self, account_id: AccountId, rental_id: RentalId) -> Sequence[Step]:
        """A rental's history in order."""
        rows = await self._reader.read_all(sql.STEPS, (account_id, rental_id))
        return in_order(self._decode.step(row) for row in rows)

    async def webhook(self, account_id: AccountId, key_prefix: KeyPrefix | None) -> Webhook | None:
        """Read the address of exactly this key; with ``None``, the account's own."""
        row = await self._reader.read_one(sql.WEBHOOK, (account_id, from_key_prefix(key_prefix)))
        return self._decode.webhook(row) if row else None

    async def webhooks(self, account_id: AccountId) -> Sequence[Webhook]:
        """An account's webhook addresses, its own first."""
        rows = await self._reader.read_all(sql.WEBHOOKS_BY_KEY, (account_id,))
        return [self._decode.webhook(row) for row in rows]

    async def deliveries(self, account_id: AccountId, *, limit: int) -> Sequence[Delivery]:
        """An account's newest webhook deliveries."""
        rows = await self._reader.read_all(sql.NEWEST_DELIVERIES, (account_id, limit))
        return [self._decode.delivery(row) for row in rows]

    async def deliveries_of_rental(
        self, account_id: AccountId, rental_id: RentalId
    ) -> Sequence[Delivery]:
        """The deliveries of a rental's events, the oldest first."""
        rows = await self._reader.read_all(sql.DELIVERIES_OF_RENTAL, (account_id, rental_id))
        return [self._decode.delivery(row) for row in rows]

    async def incidents_of_rental(
        self, account_id: AccountId, rental_id: RentalId
    ) -> Sequence[Incident]:
        """The incidents about a rental, the oldest first."""
        rows = await self._reader.read_all(sql.INCIDENTS_OF_RENTAL, (account_id, rental_id))
        return [self._decode.incident(row) for row in rows]

    async def trail(self, account_id: AccountId, *, limit: int) -> Sequence[TrailEntry]:
        """The newest entries of an account's trail, the newest first."""
        rows = await self._reader.read_all(sql.TRAIL, (account_id, limit))
        return [self._decode.trail_entry(row) for row in rows]
