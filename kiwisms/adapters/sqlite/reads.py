"""The reads of the store in SQLite, outside a unit of work."""

from collections.abc import AsyncIterator, Sequence

from kiwisms.adapters.sql_rows import statements as sql
from kiwisms.adapters.sql_rows.account_reads import AccountReads
from kiwisms.adapters.sql_rows.cross_account_reads import CrossAccountReads
from kiwisms.adapters.sqlite.columns import decode
from kiwisms.adapters.sqlite.encode import rows
from kiwisms.adapters.sqlite.reader import Reader
from kiwisms.adapters.sqlite.statements.reads import NEWEST_RENTALS
from kiwisms.domain.books import Books
from kiwisms.domain.ids import AccountId, RentalId
from kiwisms.domain.rental import Rental
from kiwisms.domain.rental_state import State


class Reads(AccountReads, CrossAccountReads):
    """`AccountReads` and `CrossAccountReads` for the store in SQLite."""

    _reader: Reader
    _encode = rows
    _decode = decode

    async def rental(self, account_id: AccountId, rental_id: RentalId) -> Rental | None:
        """Read one rental, in any state."""
        row = self._reader.cached(sql.RENTAL, (account_id, rental_id))
        return decode.rental(row) if row else None

    async def rentals(
        self, *, account_id: AccountId | None, state: State | None, limit: int
    ) -> Sequence[Rental]:
        """The newest rentals, of one account or of all, in one state or in any."""
        asked = {"account_id": account_id, "state": state and state.value, "limit": limit}
        return [decode.rental(row) for row in self._reader.all(NEWEST_RENTALS, asked)]

    async def books(self) -> AsyncIterator[Books]:
        """Every account's books, each read from one snapshot."""
        for account in await self.accounts():
            with self._reader.snapshot():
                books = await self._books(self._reader, account.id)
            yield books
