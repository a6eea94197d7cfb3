"""The reads over all accounts, and of data that belongs to no account."""

from collections.abc import Sequence
from datetime import datetime

from kiwisms.adapters.sql_rows import statements as sql
from kiwisms.adapters.sql_rows.decode import Decode
from kiwisms.adapters.sql_rows.encode import Encode
from kiwisms.adapters.sql_rows.row_reader import RowReader
from kiwisms.domain.account import Account
from kiwisms.domain.books import Books
from kiwisms.domain.delivery import Delivery
from kiwisms.domain.ids import AccountId, ActivationId, DeliveryId, IncidentId, RentalId
from kiwisms.domain.incident import Incident
from kiwisms.domain.push import PushedMessage
from kiwisms.domain.reconciliation import Outlay, Reading
from kiwisms.domain.rental import Rental, preferred
from kiwisms.domain.wallet import Wallet


class CrossAccountReads:
    """`CrossAccountReads` for SQL stores, except ``rentals`` and ``books``."""

    _reader: RowReader
    _encode: Encode
    _decode: Decode

    async def account_by_email(self, email: str) -> Account | None:
        """Find an account by its normalized email."""
        row = await self._reader.read_one(sql.ACCOUNT_BY_EMAIL, (email,))
        return self._decode.account(row) if row else None

    async def accounts(self) -> Sequence[Account]:
        """All accounts, the oldest first."""
        return [
            self._decode.account(row) for row in await self._reader.read_all(sql.ACCOUNTS_BY_AGE)
        ]

    async def find_rental(self, rental_id: RentalId) -> Rental | None:
        """Find a rental without knowing its account."""
        row = await self._reader.read_one(sql.FIND_RENTAL, (rental_id,))
        return self._decode.rental(row) if row else None

    async def find_rental_by_activation(self, activation_id: ActivationId) -> Rental | None:
        """Find a rental by upstream's id of its number."""
        rows = await self._reader.read_all(sql.FIND_RENTALS_BY_ACTIVATION, (activation_id,))
        return preferred(self._decode.rental(row) for row in rows)

    async def find_delivery(self, delivery_id: DeliveryId) -> Delivery | None:
        """Find a delivery without knowing its account."""
        row = await self._reader.read_one(sql.FIND_DELIVERY, (delivery_id,))
        return self._decode.delivery(row) if row else None

    async def incidents(self, *, open_only: bool = False, limit: int) -> Sequence[Incident]:
        """The newest incidents, or the newest that are open."""
        newest = sql.NEWEST_OPEN_INCIDENTS if open_only else sql.NEWEST_INCIDENTS
        rows = await self._reader.read_all(newest, (limit,))
        return [self._decode.incident(row) for row in rows]

    async def find_incident(self, incident_id: IncidentId) -> Incident | None:
        """Find an incident without knowing its account."""
        row = await self._reader.read_one(sql.FIND_INCIDENT, (incident_id,))
        return self._decode.incident(row) if row else None

    async def count_open_incidents(self) -> int:
        """How many incidents of all accounts are open."""
        row = await self._reader.read_one(sql.OPEN_INCIDENTS)
        return int(row[0]) if row else 0

    async def pushes(self, activation_id: ActivationId) -> Sequence[PushedMessage]:
        """Every message that was pushed for a number, in the order of arrival."""
        rows = await self._reader.read_all(sql.PUSHES, (activation_id,))
        return [self._decode.pushed(row) for row in rows]

    async def unmatched_pushes(self, *, since: datetime, limit: int) -> Sequence[PushedMessage]:
        """The newest messages since *since*, for numbers that no rental and no incident has."""
        rows = await self._reader.read_all(
            sql.UNMATCHED_PUSHES, (self._encode.moment(since), limit)
        )
        return [self._decode.pushed(row) for row in rows]

    async def outlay(self, *, ending: datetime) -> Outlay:
        """Add up the payments to upstream."""
        (row,) = await self._reader.read_all(sql.OUTLAY, (self._encode.moment(ending),))
        return self._decode.outlay(row)

    async def last_reading(self) -> Reading | None:
        """The newest reading of upstream's balance."""
        row = await self._reader.read_one(sql.LAST_READING)
        return self._decode.reading(row) if row else None

    async def _books(self, reader: RowReader, account_id: AccountId) -> Books:
        own = (account_id,)
        wallet = await reader.read_one(sql.WALLET, own)
        transfers = await reader.read_all(sql.TRANSFERS_BY_NUMBER, own)
        rentals = await reader.read_all(sql.RENTALS_OF_ACCOUNT, own)
        steps = await reader.read_all(sql.STEPS_OF_ACCOUNT, own)
        keys = await reader.read_all(sql.IDEMPOTENCY_OF_ACCOUNT, own)
        deliveries = await reader.read_all(sql.DELIVERIES_OF_ACCOUNT, own)
        incidents = await reader.read_all(sql.INCIDENTS_OF_ACCOUNT, own)
        return Books(
            wallet=self._decode.wallet(wallet) if wallet else Wallet(account_id=account_id),
            transfers=[self._decode.transfer(row) for row in transfers],
            rentals=[self._decode.rental(row) for row in rentals],
            steps=[self._decode.step(row) for row in steps],
            idempotency=[self._decode.idempotency(row) for row in keys],
            deliveries=[self._decode.delivery(row) for row in deliveries],
            incidents=[self._decode.incident(row) for row in incidents],
        )
