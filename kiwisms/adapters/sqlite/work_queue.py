"""The queue of due work: claims with a lease, and the time of the next due work."""

import json
import sqlite3
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any

from attrs import evolve

from kiwisms.adapters.sql_rows.columns import Row
from kiwisms.adapters.sqlite.columns import decode, from_moment, to_optional_moment
from kiwisms.adapters.sqlite.reader import Reader
from kiwisms.adapters.sqlite.statements import work_queue as sql
from kiwisms.adapters.sqlite.writer import Writer
from kiwisms.domain.delivery import Delivery
from kiwisms.domain.ids import AccountId, RentalId
from kiwisms.domain.incident import Incident
from kiwisms.domain.rental import Rental


class WorkQueue:
    """`WorkQueue` for the store in SQLite."""

    _reader: Reader
    _writer: Writer

    async def claim_rental(
        self,
        account_id: AccountId,
        rental_id: RentalId,
        *,
        now: datetime,
        look_after: datetime,
        until: datetime,
    ) -> bool:
        """Claim one look upstream at a rental; return whether this caller got it."""
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
        """Make a rental due now, and allow a look at it; return whether it is OPEN."""
        asked = {"account_id": account_id, "id": rental_id, "now": from_moment(now)}
        return await self._writer.write(
            lambda connection: connection.execute(sql.HASTEN_RENTAL, asked).rowcount == 1
        )

    async def claim_due_rentals(
        self, *, now: datetime, look_after: datetime, until: datetime, limit: int
    ) -> Sequence[Rental]:
        """Claim rentals that are due, the longest due first."""
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
        """Claim deliveries that are due, a few of each account."""
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
        """Claim incidents that are due, the longest due first."""
        due = {"now": from_moment(now), "limit": limit}
        lease = {"until": from_moment(until)}
        rows = await self._lease(sql.DUE_INCIDENTS, due, sql.LEASE_INCIDENT, lease)
        return [evolve(decode.incident(row), due_at=until) for row in rows]

    async def next_due(self) -> datetime | None:
        """When the next rental, delivery or incident is due; ``None`` when none is waiting."""
        row = self._reader.one(sql.NEXT_DUE)
        return to_optional_moment(row[0]) if row else None

    async def _lease(
        self, due: str, asked: Mapping[str, Any], take: str, lease: Mapping[str, int]
    ) -> list[Row]:
        # Mostly nothing is due: then this needs no write lock.
        if not self._reader.all(due, asked):
            return []

        def take_all(connection: sqlite3.Connection) -> list[Row]:
            rows = connection.execute(due, asked).fetchall()
            connection.executemany(
                take, [{**lease, "account_id": row[0], "id": row[1]} for row in rows]
            )
            return rows

        return await self._writer.write(take_all)
