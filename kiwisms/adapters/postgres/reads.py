"""The reads of the store in Postgres, outside a unit of work."""

from collections.abc import AsyncIterator, Sequence

from attrs import evolve

from kiwisms.adapters.postgres.batching import BatchedReads
from kiwisms.adapters.postgres.columns import decode
from kiwisms.adapters.postgres.connections import Connections
from kiwisms.adapters.postgres.encode import rows
from kiwisms.adapters.postgres.statements import reads as sql
from kiwisms.adapters.sql_rows.account_reads import AccountReads
from kiwisms.adapters.sql_rows.columns import Row
from kiwisms.adapters.sql_rows.cross_account_reads import CrossAccountReads
from kiwisms.domain.books import Books
from kiwisms.domain.ids import AccountId, RentalId
from kiwisms.domain.rental import Rental
from kiwisms.domain.rental_state import State


class Reads(AccountReads, CrossAccountReads):
    """`AccountReads` and `CrossAccountReads` for the store in Postgres."""

    _reader: Connections
    _encode = rows
    _decode = decode
    _rentals_by_key: BatchedReads

    async def rental(self, account_id: AccountId, rental_id: RentalId) -> Rental | None:
        """Read one rental, in any state."""
        rows = await self._rentals_by_key.rows(account_id, rental_id)
        return decode.rental(rows[0]) if rows else None

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

    async def books(self) -> AsyncIterator[Books]:
        """Every account's books, each read from one snapshot."""
        for account in await self.accounts():
            async with self._reader.snapshot() as connection:
                books = await self._books(connection, account.id)
                places = await connection.read_all(sql.PLACES, (account.id,))
            yield evolve(books, places=[rental_id for (rental_id,) in places])

    async def _rentals(self, statement: str, parameters: Row) -> list[Rental]:
        rows = await self._reader.read_all(statement, parameters)
        return [decode.rental(row) for row in rows]
