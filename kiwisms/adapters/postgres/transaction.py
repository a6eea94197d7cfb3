"""A unit of work: it reads at once, and sends its writes in one statement at its end."""

from collections.abc import Hashable
from typing import Final

from attrs import asdict

from kiwisms.adapters.postgres import encode
from kiwisms.adapters.postgres.account_snapshot import AccountSnapshot
from kiwisms.adapters.postgres.columns import decode, to_optional_moment
from kiwisms.adapters.postgres.connections import Connection
from kiwisms.adapters.postgres.statements import reads, saves
from kiwisms.adapters.sql_rows import statements as sql
from kiwisms.adapters.sql_rows.columns import Row
from kiwisms.domain.account import Account
from kiwisms.domain.api_key import ApiKey
from kiwisms.domain.catalog import ServiceUnavailable
from kiwisms.domain.delivery import Delivery
from kiwisms.domain.idempotency import IdempotencyRecord
from kiwisms.domain.ids import (
    AccountId,
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
from kiwisms.domain.rental_state import UNDECIDED
from kiwisms.domain.usage import Usage, UsageQuery
from kiwisms.domain.wallet import Wallet
from kiwisms.domain.webhook import Webhook
from kiwisms.ports.transaction import NO_PLACE, Fact, TransactionConflict


class PostgresTransaction:
    """
    A `Transaction` that conflicts at its end if another process has written to the account.

    Args:
        connection: The connection for its reads and writes.
        snapshot: What is known of the account already.
    """

    def __init__(self, connection: Connection, snapshot: AccountSnapshot) -> None:
        self._connection = connection
        self._snapshot = snapshot
        self._account_id = snapshot.account.id
        self.snapshot_after: Final = snapshot.next()
        """The account as it is after the commit."""
        self._saved_wallet: Wallet | None = None
        self._writes: dict[Hashable, encode.Write] = {}
        self._most_waiting: int | None = None

    async def account(self) -> Account:
        """The account itself."""
        return self._snapshot.account

    async def wallet(self) -> Wallet:
        """The account's wallet."""
        return self._snapshot.wallet

    async def transfer(self, transfer_id: TransferId) -> Transfer | None:
        """One transfer of the account."""
        row = await self._one(sql.TRANSFER, transfer_id)
        return decode.transfer(row) if row else None

    async def rental(self, rental_id: RentalId) -> Rental | None:
        """One rental of the account, in any state."""
        if rental_id in self._snapshot.rentals:
            return self._snapshot.rentals[rental_id]
        row = await self._one(sql.RENTAL, rental_id)
        return decode.rental(row) if row else None

    async def usage(self, asked: UsageQuery) -> Usage:
        """Count what an account's limits apply to."""
        known, row = self._snapshot.usage or (None, None)
        if asked != known:
            places = {"account_id": self._account_id, **asdict(asked)}
            row = await self._connection.read_one(reads.USAGE, places)
        active, nth_cancel = row or (0, None)
        return Usage(active=active, nth_cancel=to_optional_moment(nth_cancel))

    async def idempotency(self, key: IdempotencyKey) -> IdempotencyRecord | None:
        """The record of one of the account's idempotency keys."""
        if key in self._snapshot.keys:
            return self._snapshot.keys[key]
        row = await self._one(sql.IDEMPOTENCY, key)
        return decode.idempotency(row) if row else None

    async def api_key(self, prefix: KeyPrefix) -> ApiKey | None:
        """One API key of the account."""
        row = await self._one(sql.API_KEY, prefix)
        return decode.api_key(row) if row else None

    async def webhook(self, key_prefix: KeyPrefix | None) -> Webhook | None:
        """The address of exactly this key; with ``None``, the account's own."""
        if key_prefix is None:
            return self._snapshot.webhook
        row = await self._one(sql.WEBHOOK, key_prefix)
        return decode.webhook(row) if row else None

    async def delivery(self, delivery_id: DeliveryId) -> Delivery | None:
        """One webhook delivery of the account."""
        row = await self._one(sql.DELIVERY, delivery_id)
        return decode.delivery(row) if row else None

    async def incident(self, incident_id: IncidentId) -> Incident | None:
        """One incident of the account."""
        row = await self._one(sql.INCIDENT, incident_id)
        return decode.incident(row) if row else None

    def save(self, *facts: Fact) -> None:
        """Write *facts* with the commit; all must belong to the account."""
        for fact in facts:
            self._must_be_own(fact.id if isinstance(fact, Account) else fact.account_id)
            self.snapshot_after.put(fact)
            if isinstance(fact, Wallet):
                self._saved_wallet = fact
            else:
                self._note(encode.write_of(fact))
                if isinstance(fact, Rental) and fact.state not in UNDECIDED:
                    self._note(encode.free_place(fact))

    def take_place(self, rental_id: RentalId, *, most: int) -> None:
        """Take one of *most* places upstream for a rental that is saved here."""
        self._most_waiting = most
        self._note(encode.take_place(rental_id))

    def remove(self, webhook: Webhook) -> None:
        """Remove a webhook address with the commit."""
        self._must_be_own(webhook.account_id)
        self._note(encode.removal_of(webhook))
        if webhook.key_prefix is None:
            self.snapshot_after.webhook = None

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to write."""
        return not self._writes and self._saved_wallet is None

    async def write(self) -> None:
        """
        Send all writes.

        Raises:
            TransactionConflict: Another process has written first.
            ServiceUnavailable: No place upstream is free.
            NumberTaken: Another rental has the number.
        """
        version: Row = (self._account_id, self._snapshot.version)
        own = version
        statement = saves.NEXT_VERSION
        if self._saved_wallet is not None:
            own = (*encode.rows.wallet(self._saved_wallet), *version)
            statement = saves.SAVE_WALLET
        writes = tuple(each.statement for each in self._writes.values())
        row = (*own, *(value for each in self._writes.values() for value in each.row))
        most = self._most_waiting
        if most is None:
            is_written = bool(await self._connection.write(saves.together(statement, writes), row))
        else:
            in_a_place = saves.together_in_a_place(statement, writes)
            is_written = await self._write_in_a_place(
                in_a_place, (most, most, *row, *version), most
            )
        if not is_written:
            raise TransactionConflict(f"another process wrote to account {self._account_id} first")

    async def _write_in_a_place(self, statement: str, row: Row, most: int) -> bool:
        while True:
            [(is_written, is_full, there)] = await self._connection.write(statement, row)
            if not is_full:
                return bool(is_written)
            if there >= most:
                raise ServiceUnavailable(NO_PLACE)
            # The rows of places are created when they are needed.
            await self._connection.write(saves.ADD_PLACES, {"there": there, "most": most})

    def _note(self, write: encode.Write) -> None:
        self._writes[write.key] = write

    async def _one(self, statement: str, key: str) -> Row | None:
        return await self._connection.read_one(statement, (self._account_id, key))

    def _must_be_own(self, account_id: AccountId) -> None:
        if account_id != self._account_id:
            raise ValueError(f"a fact of {account_id} in a transaction of {self._account_id}")
