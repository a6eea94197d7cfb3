"""What is read of all accounts together, and of what belongs to none."""

from collections.abc import AsyncIterator, Sequence
from datetime import datetime

from kiwisms.adapters.postgres.columns import decode
from kiwisms.adapters.postgres.connections import (
    Connection,
    Connections,
    Parameters,
    read_all,
    read_one,
)
from kiwisms.adapters.postgres.refusals import refusals
from kiwisms.adapters.postgres.statements import reads as sql
from kiwisms.domain.account import Account
from kiwisms.domain.books import Books
from kiwisms.domain.delivery import Delivery
from kiwisms.domain.ids import AccountId, ActivationId, DeliveryId, IncidentId, RentalId
from kiwisms.domain.incident import Incident
from kiwisms.domain.push import PushedMessage
from kiwisms.domain.reconciliation import Outlay, Reading
from kiwisms.domain.rental import Rental, State, foremost
from kiwisms.domain.wallet import Wallet


class CrossAccountReads:
    """The part `CrossAccountReads` of a store in Postgres."""

    connections: Connections

    async def account_by_email(self, email: str) -> Account | None:
        """Find an account by its normal email."""
        row = await self.connections.read_one(sql.ACCOUNT_BY_EMAIL, (email,))
        return decode.account(row) if row else None

    async def accounts(self) -> Sequence[Account]:
        """All accounts, the oldest first."""
        return [decode.account(row) for row in await self.connections.read_all(sql.ACCOUNTS_BY_AGE)]

    async def find_rental(self, rental_id: RentalId) -> Rental | None:
        """Find a rental without knowing its account."""
        row = await self.connections.read_one(sql.FIND_RENTAL, (rental_id,))
        return decode.rental(row) if row else None

    async def find_rental_by_activation(self, activation_id: ActivationId) -> Rental | None:
        """Find a rental by upstream's id of its number."""
        return foremost(await self._rentals(sql.FIND_RENTALS_BY_ACTIVATION, (activation_id,)))

    async def rentals(
        self, *, account_id: AccountId | None, state: State | None, limit: int
    ) -> Sequence[Rental]:
        """The newest rentals, of one account or of all, in one state or in any."""
        match account_id, state:
            case None, None:
                return await self._rentals(sql.NEWEST_RENTALS, (limit,))
            case None, State():
                return await self._rentals(sql.NEWEST_RENTALS_IN_STATE, (state.value, limit))
            case _, None:
                return await self._rentals(sql.NEWEST_RENTALS_OF_ACCOUNT, (account_id, limit))
            case _, State():
                asked = account_id, state.value, limit
                return await self._rentals(sql.NEWEST_RENTALS_OF_ACCOUNT_IN_STATE, asked)

    async def find_delivery(self, delivery_id: DeliveryId) -> Delivery | None:
        """Find a delivery without knowing its account."""
        row = await self.connections.read_one(sql.FIND_DELIVERY, (delivery_id,))
        return decode.delivery(row) if row else None

    async def incidents(self, *, open_only: bool = False, limit: int) -> Sequence[Incident]:
        """The newest incidents, or the newest that are open."""
        newest = sql.NEWEST_OPEN_INCIDENTS if open_only else sql.NEWEST_INCIDENTS
        rows = await self.connections.read_all(newest, (limit,))
        return [decode.incident(row) for row in rows]

    async def find_incident(self, incident_id: IncidentId) -> Incident | None:
        """Find an incident without knowing its account."""
        row = await self.connections.read_one(sql.FIND_INCIDENT, (incident_id,))
        return decode.incident(row) if row else None

    async def count_open_incidents(self) -> int:
        """How many incidents of all accounts are open."""
        row = await self.connections.read_one(sql.OPEN_INCIDENTS)
        return int(row[0]) if row else 0

    async def pushes(self, activation_id: ActivationId) -> Sequence[PushedMessage]:
        """Every message that was pushed for a number, in the order of arrival."""
        rows = await self.connections.read_all(sql.PUSHES, (activation_id,))
        return [decode.pushed(row) for row in rows]

    async def unmatched_pushes(self, *, since: datetime, limit: int) -> Sequence[PushedMessage]:
        """The newest that arrived since then, for numbers that no rental and no incident has."""
        rows = await self.connections.read_all(sql.UNMATCHED_PUSHES, (since, limit))
        return [decode.pushed(row) for row in rows]

    async def outlay(self, *, ending: datetime) -> Outlay:
        """Add up what upstream was paid."""
        (row,) = await self.connections.read_all(sql.OUTLAY, (ending,))
        return decode.outlay(row)

    async def last_reading(self) -> Reading | None:
        """The newest reading of upstream's balance."""
        row = await self.connections.read_one(sql.LAST_READING)
        return decode.reading(row) if row else None

    async def books(self) -> AsyncIterator[Books]:
        """Every account's books, each read at one moment."""
        for account in await self.accounts():
            async with self.connections.one() as connection:
                books = await _books(connection, account.id)
            yield books

    async def _rentals(self, statement: str, parameters: Parameters) -> list[Rental]:
        rows = await self.connections.read_all(statement, parameters)
        return [decode.rental(row) for row in rows]


async def _books(connection: Connection, account_id: AccountId) -> Books:
    with refusals("read"):
        await connection.execute(sql.ONE_MOMENT)
    own = (account_id,)
    wallet = await read_one(connection, sql.WALLET, own)
    transfers = await read_all(connection, sql.TRANSFERS_BY_NUMBER, own)
    rentals = await read_all(connection, sql.RENTALS_OF_ACCOUNT, own)
    steps = await read_all(connection, sql.STEPS_OF_ACCOUNT, own)
    keys = await read_all(connection, sql.IDEMPOTENCY_OF_ACCOUNT, own)
    deliveries = await read_all(connection, sql.DELIVERIES_OF_ACCOUNT, own)
    incidents = await read_all(connection, sql.INCIDENTS_OF_ACCOUNT, own)
    places = await read_all(connection, sql.PLACES, own)
    with refusals("read"):
        await connection.execute("COMMIT")
    return Books(
        wallet=decode.wallet(wallet) if wallet else Wallet(account_id=account_id),
        transfers=[decode.transfer(row) for row in transfers],
        rentals=[decode.rental(row) for row in rentals],
        steps=[decode.step(row) for row in steps],
        idempotency=[decode.idempotency(row) for row in keys],
        deliveries=[decode.delivery(row) for row in deliveries],
        incidents=[decode.incident(row) for row in incidents],
        places=[rental_id for (rental_id,) in places],
    )
