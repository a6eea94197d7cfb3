"""A store in one SQLite file."""

import asyncio
import json
import os
import sqlite3
from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, closing, suppress
from datetime import datetime
from pathlib import Path
from typing import Any, Self
from weakref import WeakValueDictionary

from attrs import evolve

from kiwisms.adapters.sql_rows.columns import Row, from_key_prefix
from kiwisms.adapters.sqlite import encode
from kiwisms.adapters.sqlite import statements as sql
from kiwisms.adapters.sqlite.columns import decode, from_moment, to_optional_moment
from kiwisms.adapters.sqlite.migrations import NEWEST, migrate
from kiwisms.adapters.sqlite.reader import Reader
from kiwisms.adapters.sqlite.transaction import SqliteTransaction
from kiwisms.adapters.sqlite.writer import Writer
from kiwisms.domain.account import Account, EmailTaken
from kiwisms.domain.api_key import ApiKey
from kiwisms.domain.books import Books
from kiwisms.domain.delivery import Delivery
from kiwisms.domain.history import Step, in_order
from kiwisms.domain.idempotency import IdempotencyRecord
from kiwisms.domain.ids import (
    AccountId,
    ActivationId,
    DeliveryId,
    IdempotencyKey,
    IncidentId,
    KeyPrefix,
    RentalId,
)
from kiwisms.domain.incident import Incident
from kiwisms.domain.ledger import Transfer
from kiwisms.domain.push import PushedMessage
from kiwisms.domain.reconciliation import Outlay, Reading
from kiwisms.domain.rental import Rental, State, foremost
from kiwisms.domain.trail import TrailEntry
from kiwisms.domain.wallet import Wallet
from kiwisms.domain.webhook import Webhook
from kiwisms.ports.store import Pruned, SchemaMismatch, StoreUnavailable
from kiwisms.ports.transaction import NOTHING_AHEAD, Ahead


class SqliteStore:
    """
    A `Store` over a file, to be entered as an async context manager.

    Other processes may use the same file on the same machine at the same time: a transaction that
    one of them outran raises `TransactionOutrun`.

    Args:
        path: The file, created when it is not there; its folder must be.

    Raises:
        StoreUnavailable: On entering, when the file cannot be opened.
        SchemaMismatch: On entering, when it was written by a newer kiwisms.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._locks: WeakValueDictionary[AccountId, asyncio.Lock] = WeakValueDictionary()

    async def __aenter__(self) -> Self:
        async with AsyncExitStack() as stack:
            try:
                _make_private(self._path)
                self._writer = await stack.enter_async_context(Writer(self._path))
                self._reader = stack.enter_context(closing(Reader(self._path)))
            except (OSError, sqlite3.Error) as why:
                raise StoreUnavailable(f"{self._path} cannot be opened: {why}") from why
            version = await self.schema_version()
            if version > NEWEST:
                raise SchemaMismatch(found=version, known=NEWEST)
            self._opened = stack.pop_all()
        return self

    async def __aexit__(self, *_exception: object) -> None:
        await self._opened.aclose()

    async def migrate(self) -> None:
        """Create the schema or bring it up to date; safe to do twice, and twice at once."""
        await self._writer.write(migrate)

    @asynccontextmanager
    async def transaction(
        self, account_id: AccountId, _ahead: Ahead = NOTHING_AHEAD
    ) -> AsyncIterator[SqliteTransaction]:
        """Lock an account; leaving commits durably, an exception leaves no trace."""
        async with self._locks.setdefault(account_id, asyncio.Lock()):
            tx = SqliteTransaction(self._reader, account_id)
            yield tx
            if not tx.is_empty:
                await self._writer.write(tx.write)

    async def create_account(self, account: Account, entry: TrailEntry | None = None) -> None:
        """Add an account with an empty wallet, and the *entry* of that; raises `EmailTaken`."""

        def add(connection: sqlite3.Connection) -> None:
            if not connection.execute(sql.ADD_ACCOUNT, encode.account(account)).rowcount:
                raise EmailTaken(account.email)
            connection.execute(sql.ADD_WALLET, (account.id,))
            if entry is not None:
                connection.execute(*encode.write_of(entry))

        await self._writer.write(add)

    async def account(self, account_id: AccountId) -> Account | None:
        """Read one account."""
        row = self._reader.one(sql.ACCOUNT, (account_id,))
        return decode.account(row) if row else None

    async def account_by_email(self, email: str) -> Account | None:
        """Find an account by its normal email."""
        row = self._reader.one(sql.ACCOUNT_BY_EMAIL, (email,))
        return decode.account(row) if row else None

    async def accounts(self) -> Sequence[Account]:
        """All accounts, the oldest first."""
        return [decode.account(row) for row in self._reader.all(sql.ACCOUNTS_BY_AGE)]

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
        return self._transfers(account_id)

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
        return self._rentals(sql.ACTIVE_RENTALS, (account_id, from_moment(now)))

    async def find_rental(self, rental_id: RentalId) -> Rental | None:
        """Find a rental without knowing its account."""
        row = self._reader.one(sql.FIND_RENTAL, (rental_id,))
        return decode.rental(row) if row else None

    async def find_rental_by_activation(self, activation_id: ActivationId) -> Rental | None:
        """Find a rental by upstream's id of its number."""
        return foremost(self._rentals(sql.FIND_RENTALS_BY_ACTIVATION, (activation_id,)))

    async def rentals(
        self, *, account_id: AccountId | None, state: State | None, limit: int
    ) -> Sequence[Rental]:
        """The newest rentals, of one account or of all, in one state or in any."""
        asked = {"account_id": account_id, "state": state and state.value, "limit": limit}
        return [decode.rental(row) for row in self._reader.all(sql.NEWEST_RENTALS, asked)]

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

    async def find_delivery(self, delivery_id: DeliveryId) -> Delivery | None:
        """Find a delivery without knowing its account."""
        row = self._reader.one(sql.FIND_DELIVERY, (delivery_id,))
        return decode.delivery(row) if row else None

    async def incidents(self, *, open_only: bool = False, limit: int) -> Sequence[Incident]:
        """The newest incidents, or the newest that are open."""
        newest = sql.NEWEST_OPEN_INCIDENTS if open_only else sql.NEWEST_INCIDENTS
        rows = self._reader.all(newest, (limit,))
        return [decode.incident(row) for row in rows]

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

    async def find_incident(self, incident_id: IncidentId) -> Incident | None:
        """Find an incident without knowing its account."""
        row = self._reader.one(sql.FIND_INCIDENT, (incident_id,))
        return decode.incident(row) if row else None

    async def count_open_incidents(self) -> int:
        """How many incidents of all accounts are open."""
        row = self._reader.one(sql.OPEN_INCIDENTS)
        return int(row[0]) if row else 0

    async def add_push(self, pushed: PushedMessage) -> bool:
        """Keep a pushed message durably; tells whether it is the first with its id."""
        return await self._writer.write(
            lambda connection: (
                connection.execute(sql.ADD_PUSH, encode.rows.pushed(pushed)).rowcount == 1
            )
        )

    async def pushes(self, activation_id: ActivationId) -> Sequence[PushedMessage]:
        """Every message that was pushed for a number, in the order of arrival."""
        rows = self._reader.all(sql.PUSHES, (activation_id,))
        return [decode.pushed(row) for row in rows]

    async def unmatched_pushes(self, *, since: datetime, limit: int) -> Sequence[PushedMessage]:
        """The newest that arrived since then, for numbers that no rental and no incident has."""
        rows = self._reader.all(sql.UNMATCHED_PUSHES, (from_moment(since), limit))
        return [decode.pushed(row) for row in rows]

    async def outlay(self, *, ending: datetime) -> Outlay:
        """Add up what upstream was paid."""
        (row,) = self._reader.all(sql.OUTLAY, (from_moment(ending),))
        return decode.outlay(row)

    async def last_reading(self) -> Reading | None:
        """The newest reading of upstream's balance."""
        row = self._reader.one(sql.LAST_READING)
        return decode.reading(row) if row else None

    async def add_reading(self, reading: Reading) -> None:
        """Keep a reading."""
        await self._writer.write(
            lambda connection: connection.execute(sql.ADD_READING, encode.rows.reading(reading))
        )

    async def claim_rental(
        self,
        account_id: AccountId,
        rental_id: RentalId,
        *,
        now: datetime,
        look_after: datetime,
        until: datetime,
    ) -> bool:
        """Take the right to look upstream at one rental, once."""
        claim = {
            "account_id": account_id,
            "id": rental_id,
            "now": from_moment(now),
            "look_after": from_moment(look_after),
            "until": from_moment(until),
        }
        return await self._writer.write(
            lambda connection: connection.execute(sql.CLAIM_RENTAL, claim).rowcount == 1
        )

    async def hasten_rental(
        self, account_id: AccountId, rental_id: RentalId, *, now: datetime
    ) -> bool:
        """Make a rental due now, and let it be looked at; tells whether it is OPEN."""
        asked = {"account_id": account_id, "id": rental_id, "now": from_moment(now)}
        return await self._writer.write(
            lambda connection: connection.execute(sql.HASTEN_RENTAL, asked).rowcount == 1
        )

    async def claim_due_rentals(
        self, *, now: datetime, look_after: datetime, until: datetime, limit: int
    ) -> Sequence[Rental]:
        """Take rentals whose ``due_at`` has come, the longest due first."""
        due = {"now": from_moment(now), "limit": limit}
        lease = {"look_after": from_moment(look_after), "until": from_moment(until)}
        rows = await self._lease(sql.DUE_RENTALS, due, sql.LEASE_RENTAL, lease)
        return [evolve(decode.rental(row), look_after=look_after, due_at=until) for row in rows]

    async def claim_due_deliveries(
        self,
        *,
        now: datetime,
        until: datetime,
        limit: int,
        per_account: int,
        busy: Collection[AccountId] = (),
    ) -> Sequence[Delivery]:
        """Take deliveries whose ``due_at`` has come, a few of each account."""
        due = {
            "now": from_moment(now),
            "limit": limit,
            "per_account": per_account,
            "busy": json.dumps(list(busy)),
        }
        lease = {"until": from_moment(until)}
        rows = await self._lease(sql.DUE_DELIVERIES, due, sql.LEASE_DELIVERY, lease)
        return [evolve(decode.delivery(row), due_at=until) for row in rows]

    async def claim_due_incidents(
        self, *, now: datetime, until: datetime, limit: int
    ) -> Sequence[Incident]:
        """Take incidents whose ``due_at`` has come, the longest due first."""
        due = {"now": from_moment(now), "limit": limit}
        lease = {"until": from_moment(until)}
        rows = await self._lease(sql.DUE_INCIDENTS, due, sql.LEASE_INCIDENT, lease)
        return [evolve(decode.incident(row), due_at=until) for row in rows]

    async def next_due(self) -> datetime | None:
        """When the next rental, delivery or incident comes due, if any ever does."""
        row = self._reader.one(sql.NEXT_DUE)
        return to_optional_moment(row[0]) if row else None

    async def books(self) -> AsyncIterator[Books]:
        """Every account's books, each read at one moment."""
        for account in await self.accounts():
            own = (account.id,)
            with self._reader.one_moment():
                row = self._reader.one(sql.WALLET, own)
                keys = self._reader.all(sql.IDEMPOTENCY_OF_ACCOUNT, own)
                deliveries = self._reader.all(sql.DELIVERIES_OF_ACCOUNT, own)
                books = Books(
                    wallet=decode.wallet(row) if row else Wallet(account_id=account.id),
                    transfers=self._transfers(account.id),
                    rentals=self._rentals(sql.RENTALS_OF_ACCOUNT, own),
                    steps=[decode.step(row) for row in self._reader.all(sql.STEPS_OF_ACCOUNT, own)],
                    idempotency=[decode.idempotency(row) for row in keys],
                    deliveries=[decode.delivery(row) for row in deliveries],
                    incidents=self._incidents(sql.INCIDENTS_OF_ACCOUNT, own),
                )
            yield books

    async def prune_pushes(self, *, before: datetime, limit: int) -> int:
        """Remove pushed messages that arrived before and are of no more use."""
        old = {"before": from_moment(before), "limit": limit}
        return await self._writer.write(
            lambda connection: connection.execute(sql.PRUNE_PUSHES, old).rowcount
        )

    async def prune(self, account_id: AccountId, *, before: datetime, limit: int) -> Pruned:
        """Remove an account's records that have ended before a moment."""
        old = {"account_id": account_id, "before": from_moment(before), "limit": limit}

        def remove(connection: sqlite3.Connection) -> Pruned:
            return Pruned(
                keys=connection.execute(sql.PRUNE_KEYS, old).rowcount,
                deliveries=connection.execute(sql.PRUNE_DELIVERIES, old).rowcount,
                incidents=connection.execute(sql.PRUNE_INCIDENTS, old).rowcount,
                entries=connection.execute(sql.PRUNE_TRAIL, old).rowcount,
            )

        return await self._writer.write(remove)

    async def schema_version(self) -> int:
        """The number of the last migration that the file has; 0 when it has none."""
        row = self._reader.one(sql.SCHEMA_VERSION)
        return int(row[0]) if row else 0

    async def check(self) -> None:
        """Raise `StoreUnavailable` or `SchemaMismatch` unless the store can be read and written."""
        version = await self.schema_version()
        if version < NEWEST:
            raise SchemaMismatch(found=version, known=NEWEST)
        # Beginning to write shows a full or read-only disk, and a lock that nobody lets go.
        await self._writer.write(lambda _: None)

    async def _lease(
        self, due: str, asked: Mapping[str, Any], take: str, lease: Mapping[str, int]
    ) -> list[Row]:
        # Mostly nothing is due, and then nobody needs the write lock.
        if not self._reader.all(due, asked):
            return []

        def take_all(connection: sqlite3.Connection) -> list[Row]:
            rows = connection.execute(due, asked).fetchall()
            connection.executemany(
                take, [{**lease, "account_id": row[0], "id": row[1]} for row in rows]
            )
            return rows

        return await self._writer.write(take_all)

    def _transfers(self, account_id: AccountId) -> list[Transfer]:
        rows = self._reader.all(sql.TRANSFERS_BY_NUMBER, (account_id,))
        return [decode.transfer(row) for row in rows]

    def _incidents(self, statement: str, parameters: Row) -> list[Incident]:
        return [decode.incident(row) for row in self._reader.all(statement, parameters)]

    def _rentals(self, statement: str, parameters: Row) -> list[Rental]:
        return [decode.rental(row) for row in self._reader.all(statement, parameters)]


def _make_private(path: Path) -> None:
    """Make a new file its owner's alone, as customers' codes are in it; SQLite's others follow."""
    with suppress(FileExistsError):
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
