"""A unit of work: it reads at once, and sends its writes together at its end."""

import sqlite3

from kiwisms.adapters.sql_rows import statements as sql
from kiwisms.adapters.sql_rows.columns import Row, from_key_prefix
from kiwisms.adapters.sqlite import encode
from kiwisms.adapters.sqlite.columns import decode, from_moment, to_optional_moment
from kiwisms.adapters.sqlite.reader import Parameters, Reader
from kiwisms.adapters.sqlite.refusals import detect_taken_number
from kiwisms.adapters.sqlite.statements import reads, saves
from kiwisms.domain.account import Account, AccountNotFound
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
from kiwisms.domain.usage import Usage, UsageQuery
from kiwisms.domain.wallet import Wallet
from kiwisms.domain.webhook import Webhook
from kiwisms.ports.transaction import NO_PLACE, Fact, TransactionConflict


class SqliteTransaction:
    """A `Transaction` that conflicts at its end if another process wrote to the account."""

    def __init__(self, reader: Reader, account_id: AccountId) -> None:
        self._reader = reader
        self._account_id = account_id
        (self._version,) = self._must(reads.VERSION, (account_id,))
        self._writes: list[encode.Write] = []
        self._most_waiting: int | None = None

    async def account(self) -> Account:
        """The account itself."""
        return decode.account(self._must(sql.ACCOUNT, (self._account_id,)))

    async def wallet(self) -> Wallet:
        """The account's wallet."""
        return decode.wallet(self._must(sql.WALLET, (self._account_id,)))

    async def transfer(self, transfer_id: TransferId) -> Transfer | None:
        """One transfer of the account."""
        row = self._one(sql.TRANSFER, transfer_id)
        return decode.transfer(row) if row else None

    async def rental(self, rental_id: RentalId) -> Rental | None:
        """One rental of the account, in any state."""
        row = self._one(sql.RENTAL, rental_id)
        return decode.rental(row) if row else None

    async def usage(self, asked: UsageQuery) -> Usage:
        """Count what an account's limits apply to."""
        places = {
            "account_id": self._account_id,
            "now": from_moment(asked.now),
            "since": from_moment(asked.since),
            "max_cancels": asked.max_cancels,
        }
        active, nth_cancel = self._must(reads.USAGE, places)
        return Usage(active=active, nth_cancel=to_optional_moment(nth_cancel))

    async def idempotency(self, key: IdempotencyKey) -> IdempotencyRecord | None:
        """The record of one of the account's idempotency keys."""
        row = self._one(sql.IDEMPOTENCY, key)
        return decode.idempotency(row) if row else None

    async def api_key(self, prefix: KeyPrefix) -> ApiKey | None:
        """One API key of the account."""
        row = self._one(sql.API_KEY, prefix)
        return decode.api_key(row) if row else None

    async def webhook(self, key_prefix: KeyPrefix | None) -> Webhook | None:
        """The address of exactly this key; with ``None``, the account's own."""
        row = self._one(sql.WEBHOOK, from_key_prefix(key_prefix))
        return decode.webhook(row) if row else None

    async def delivery(self, delivery_id: DeliveryId) -> Delivery | None:
        """One webhook delivery of the account."""
        row = self._one(sql.DELIVERY, delivery_id)
        return decode.delivery(row) if row else None

    async def incident(self, incident_id: IncidentId) -> Incident | None:
        """One incident of the account."""
        row = self._one(sql.INCIDENT, incident_id)
        return decode.incident(row) if row else None

    def save(self, *facts: Fact) -> None:
        """Write *facts* with the commit; all must belong to the account."""
        for fact in facts:
            self._must_be_own(fact.id if isinstance(fact, Account) else fact.account_id)
            self._writes.append(encode.write_of(fact))

    def take_place(self, _rental_id: RentalId, *, most: int) -> None:
        """Take one of *most* places upstream; here each UNDECIDED rental has one."""
        self._most_waiting = most

    def remove(self, webhook: Webhook) -> None:
        """Remove a webhook address with the commit."""
        self._must_be_own(webhook.account_id)
        self._writes.append(encode.removal_of(webhook))

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to write."""
        return not self._writes

    def write(self, connection: sqlite3.Connection) -> None:
        """
        Send all writes; no other process can write until they are committed.

        Raises:
            TransactionConflict: Another process has written first.
            ServiceUnavailable: No place upstream is free.
            NumberTaken: Another rental has the number.
        """
        own = self._account_id, self._version
        if connection.execute(saves.NEXT_VERSION, own).rowcount == 0:
            raise TransactionConflict(f"another process wrote to account {self._account_id} first")
        with detect_taken_number():
            for statement, row in self._writes:
                connection.execute(statement, row)
        if self._most_waiting is not None:
            beyond = connection.execute(reads.WAITING_BEYOND, (self._most_waiting,))
            if beyond.fetchone():
                raise ServiceUnavailable(NO_PLACE)

    def _one(self, statement: str, key: str | int) -> Row | None:
        return self._reader.one(statement, (self._account_id, key))

    def _must(self, statement: str, parameters: Parameters) -> Row:
        row = self._reader.one(statement, parameters)
        if row is None:
            raise AccountNotFound(self._account_id)
        return row

    def _must_be_own(self, account_id: AccountId) -> None:
        if account_id != self._account_id:
            raise ValueError(f"a fact of {account_id} in a transaction of {self._account_id}")
