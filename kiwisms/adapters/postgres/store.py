"""A store in Postgres."""

from collections.abc import AsyncIterator, Collection, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from datetime import datetime
from typing import Self

from kiwisms.adapters.postgres import encode, migrations
from kiwisms.adapters.postgres import statements as sql
from kiwisms.adapters.postgres.columns import decode, to_moment, to_optional_moment
from kiwisms.adapters.postgres.connections import (
    Connection,
    Connections,
    Parameters,
    read_all,
    read_one,
)
from kiwisms.adapters.postgres.gathering import GatheredReads
from kiwisms.adapters.postgres.refusals import refusals
from kiwisms.adapters.postgres.transaction import PostgresTransaction
from kiwisms.adapters.postgres.units import UnitsOfWork
from kiwisms.adapters.sql_rows.columns import Row, from_key_prefix
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


class PostgresStore:
    """
    A `Store` over a Postgres database, to be entered as an async context manager.

    Any number of processes may use the same database: a transaction that one of them outran
    raises `TransactionOutrun`, and the account's next ones here wait for their turn instead.

    Args:
        url: As libpq takes it, such as ``postgresql://user:password@host/kiwisms``. Of several
            hosts with ``target_session_attrs=read-write`` the one that can be written is used.
        pool: How many connections this process may open.
        prepare: Whether statements are prepared in the server: not through PgBouncer in
            transaction mode.

    Raises:
        ValidationRefused: *url* is not such an address.
        StoreUnavailable: On entering, when the server cannot be reached or refuses.
        SchemaMismatch: On entering, when the schema was made by a newer kiwisms.
    """

    def __init__(self, url: str, *, pool: int = 10, prepare: bool = True) -> None:
        self.connections = Connections(url, most=pool, prepare=prepare)
        self._units = UnitsOfWork(self.connections)
        self._rentals_by_key = GatheredReads(
            self.connections, one=sql.RENTAL, many=sql.RENTALS_BY_KEY
        )

    async def __aenter__(self) -> Self:
        async with AsyncExitStack() as stack:
            await stack.enter_async_context(self.connections)
            version = await self.schema_version()
            if version > migrations.NEWEST:
                raise SchemaMismatch(found=version, known=migrations.NEWEST)
            self._opened = stack.pop_all()
        return self

    async def __aexit__(self, *_exception: object) -> None:
        await self._opened.aclose()

    async def migrate(self) -> None:
        """Create the schema or bring it up to date; safe to do twice, and twice at once."""
        connection = await self.connections.apart()
        async with connection:
            with refusals("migration"):
                await migrations.migrate(connection)

    def transaction(
        self, account_id: AccountId, ahead: Ahead = NOTHING_AHEAD
    ) -> AbstractAsyncContextManager[PostgresTransaction]:
        """Begin a unit of work; leaving commits durably, an exception leaves no trace."""
        return self._units.begin(account_id, ahead)

    async def create_account(self, account: Account, entry: TrailEntry | None = None) -> None:
        """Add an account with an empty wallet, and the *entry* of that; raises `EmailTaken`."""
        row: Row = (*encode.rows.account(account), account.id)
        writes = [sql.ADD_WALLET]
        if entry is not None:
            write = encode.write_of(entry)
            writes, row = [*writes, write.statement], (*row, *write.row)
        if not await self.connections.write(sql.together(sql.ADD_ACCOUNT, tuple(writes)), row):
            raise EmailTaken(account.email)

    async def account(self, account_id: AccountId) -> Account | None:
        """Read one account."""
        row = await self.connections.read_one(sql.ACCOUNT, (account_id,))
        return decode.account(row) if row else None

    async def account_by_email(self, email: str) -> Account | None:
        """Find an account by its normal email."""
        row = await self.connections.read_one(sql.ACCOUNT_BY_EMAIL, (email,))
        return decode.account(row) if row else None

    async def accounts(self) -> Sequence[Account]:
        """All accounts, the oldest first."""
        return [decode.account(row) for row in await self.connections.read_all(sql.ACCOUNTS_BY_AGE)]

    async def api_key(self, account_id: AccountId, prefix: KeyPrefix) -> ApiKey | None:
        """Read one API key."""
        row = await self.connections.read_one(sql.API_KEY, (account_id, prefix))
        return decode.api_key(row) if row else None

    async def api_keys(self, account_id: AccountId) -> Sequence[ApiKey]:
        """An account's API keys, the oldest first."""
        rows = await self.connections.read_all(sql.API_KEYS_BY_AGE, (account_id,))
        return [decode.api_key(row) for row in rows]

    async def wallet(self, account_id: AccountId) -> Wallet | None:
        """Read an account's wallet."""
        row = await self.connections.read_one(sql.WALLET, (account_id,))
        return decode.wallet(row) if row else None

    async def transfers(self, account_id: AccountId) -> Sequence[Transfer]:
        """An account's transfers by number."""
        rows = await self.connections.read_all(sql.TRANSFERS_BY_NUMBER, (account_id,))
        return [decode.transfer(row) for row in rows]

    async def idempotency(
        self, account_id: AccountId, key: IdempotencyKey
    ) -> IdempotencyRecord | None:
        """Read what is known of an idempotency key."""
        row = await self.connections.read_one(sql.IDEMPOTENCY, (account_id, key))
        return decode.idempotency(row) if row else None

    async def rental(self, account_id: AccountId, rental_id: RentalId) -> Rental | None:
        """Read one rental, in whatever state."""
        rows = await self._rentals_by_key.rows(account_id, rental_id)
        return decode.rental(rows[0]) if rows else None

    async def active_rentals(self, account_id: AccountId, now: datetime) -> Sequence[Rental]:
        """An account's rentals that are active at *now*, the newest first."""
        return await self._rentals(sql.ACTIVE_RENTALS, (account_id, now))

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

    async def steps(self, account_id: AccountId, rental_id: RentalId) -> Sequence[Step]:
        """A rental's history in order."""
        rows = await self.connections.read_all(sql.STEPS, (account_id, rental_id))
        return in_order(decode.step(row) for row in rows)

    async def webhook(self, account_id: AccountId, key_prefix: KeyPrefix | None) -> Webhook | None:
        """Read the address for exactly this key, or with ``None`` the account's own."""
        row = await self.connections.read_one(
            sql.WEBHOOK, (account_id, from_key_prefix(key_prefix))
        )
        return decode.webhook(row) if row else None

    async def webhooks(self, account_id: AccountId) -> Sequence[Webhook]:
        """An account's webhook addresses, its own first."""
        rows = await self.connections.read_all(sql.WEBHOOKS_BY_KEY, (account_id,))
        return [decode.webhook(row) for row in rows]

    async def deliveries(self, account_id: AccountId, *, limit: int) -> Sequence[Delivery]:
        """An account's newest webhook deliveries."""
        rows = await self.connections.read_all(sql.NEWEST_DELIVERIES, (account_id, limit))
        return [decode.delivery(row) for row in rows]

    async def deliveries_of_rental(
        self, account_id: AccountId, rental_id: RentalId
    ) -> Sequence[Delivery]:
        """The deliveries of a rental's events, the oldest first."""
        rows = await self.connections.read_all(sql.DELIVERIES_OF_RENTAL, (account_id, rental_id))
        return [decode.delivery(row) for row in rows]

    async def find_delivery(self, delivery_id: DeliveryId) -> Delivery | None:
        """Find a delivery without knowing its account."""
        row = await self.connections.read_one(sql.FIND_DELIVERY, (delivery_id,))
        return decode.delivery(row) if row else None

    async def incidents(self, *, open_only: bool = False, limit: int) -> Sequence[Incident]:
        """The newest incidents, or the newest that are open."""
        newest = sql.NEWEST_OPEN_INCIDENTS if open_only else sql.NEWEST_INCIDENTS
        rows = await self.connections.read_all(newest, (limit,))
        return [decode.incident(row) for row in rows]

    async def incidents_of_rental(
        self, account_id: AccountId, rental_id: RentalId
    ) -> Sequence[Incident]:
        """The incidents about a rental, by id."""
        rows = await self.connections.read_all(sql.INCIDENTS_OF_RENTAL, (account_id, rental_id))
        return [decode.incident(row) for row in rows]

    async def trail(self, account_id: AccountId, *, limit: int) -> Sequence[TrailEntry]:
        """The newest entries of an account's trail, the newest first."""
        rows = await self.connections.read_all(sql.TRAIL, (account_id, limit))
        return [decode.trail_entry(row) for row in rows]

    async def find_incident(self, incident_id: IncidentId) -> Incident | None:
        """Find an incident without knowing its account."""
        row = await self.connections.read_one(sql.FIND_INCIDENT, (incident_id,))
        return decode.incident(row) if row else None

    async def count_open_incidents(self) -> int:
        """How many incidents of all accounts are open."""
        row = await self.connections.read_one(sql.OPEN_INCIDENTS)
        return int(row[0]) if row else 0

    async def add_push(self, pushed: PushedMessage) -> bool:
        """Keep a pushed message durably; tells whether it is the first with its id."""
        return bool(await self.connections.write(sql.ADD_PUSH, encode.rows.pushed(pushed)))

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

    async def add_reading(self, reading: Reading) -> None:
        """Keep a reading."""
        await self.connections.write(sql.ADD_READING, encode.rows.reading(reading))

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
            "now": now,
            "look_after": look_after,
            "until": until,
        }
        return bool(await self.connections.write(sql.CLAIM_RENTAL, claim))

    async def hasten_rental(
        self, account_id: AccountId, rental_id: RentalId, *, now: datetime
    ) -> bool:
        """Make a rental due now, and let it be looked at; tells whether it is OPEN."""
        asked = {"account_id": account_id, "id": rental_id, "now": now}
        return bool(await self.connections.write(sql.HASTEN_RENTAL, asked))

    async def claim_due_rentals(
        self, *, now: datetime, look_after: datetime, until: datetime, limit: int
    ) -> Sequence[Rental]:
        """Take rentals whose ``due_at`` has come, the longest due first."""
        asked = {"now": now, "look_after": look_after, "until": until, "limit": limit}
        rows = await self._claim(sql.CLAIM_DUE_RENTALS, asked)
        return [decode.rental(row) for row in rows]

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
        asked = {
            "now": now,
            "until": until,
            "limit": limit,
            "per_account": per_account,
            "busy": list(busy),
        }
        rows = await self._claim(sql.CLAIM_DUE_DELIVERIES, asked)
        return [decode.delivery(row) for row in rows]

    async def claim_due_incidents(
        self, *, now: datetime, until: datetime, limit: int
    ) -> Sequence[Incident]:
        """Take incidents whose ``due_at`` has come, the longest due first."""
        asked = {"now": now, "until": until, "limit": limit}
        rows = await self._claim(sql.CLAIM_DUE_INCIDENTS, asked)
        return [decode.incident(row) for row in rows]

    async def next_due(self) -> datetime | None:
        """When the next rental, delivery or incident comes due, if any ever does."""
        row = await self.connections.read_one(sql.NEXT_DUE)
        return to_optional_moment(row[0]) if row else None

    async def books(self) -> AsyncIterator[Books]:
        """Every account's books, each read at one moment."""
        for account in await self.accounts():
            async with self.connections.one() as connection:
                books = await _books(connection, account.id)
            yield books

    async def prune_pushes(self, *, before: datetime, limit: int) -> int:
        """Remove pushed messages that arrived before and are of no more use."""
        old = {"before": before, "limit": limit}
        return len(await self.connections.write(sql.PRUNE_PUSHES, old))

    async def prune(self, account_id: AccountId, *, before: datetime, limit: int) -> Pruned:
        """Remove an account's records that have ended before a moment."""
        old = {"account_id": account_id, "before": before, "limit": limit}
        return Pruned(
            keys=len(await self.connections.write(sql.PRUNE_KEYS, old)),
            deliveries=len(await self.connections.write(sql.PRUNE_DELIVERIES, old)),
            incidents=len(await self.connections.write(sql.PRUNE_INCIDENTS, old)),
            entries=len(await self.connections.write(sql.PRUNE_TRAIL, old)),
        )

    async def schema_version(self) -> int:
        """The number of the last migration that the database has; 0 when it has none."""
        async with self.connections.one() as connection:
            with refusals("read"):
                return await migrations.schema_version(connection)

    async def check(self) -> None:
        """Raise `StoreUnavailable` or `SchemaMismatch` unless the store can be read and written."""
        version = await self.schema_version()
        if version < migrations.NEWEST:
            raise SchemaMismatch(found=version, known=migrations.NEWEST)
        if await self.connections.read_one(sql.READ_ONLY):
            raise StoreUnavailable(
                "the store can only be read: it is a standby, or set to read-only"
            )

    async def _claim(self, claim: str, asked: Parameters) -> list[Row]:
        """Give the rows that were claimed, the longest due first, without when that was."""
        rows = await self.connections.write(claim, asked)
        return [row[1:] for row in sorted(rows, key=_longest_due)]

    async def _rentals(self, statement: str, parameters: Parameters) -> list[Rental]:
        rows = await self.connections.read_all(statement, parameters)
        return [decode.rental(row) for row in rows]


def _longest_due(row: Row) -> tuple[datetime, AccountId, RentalId | DeliveryId]:
    due_at, account_id, own_id = row[:3]
    return to_moment(due_at), account_id, own_id


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
