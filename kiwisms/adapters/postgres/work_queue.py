"""The queue of due work: claims with a lease, and the time of the next due work."""

from collections.abc import Collection, Sequence
from datetime import datetime

from kiwisms.adapters.postgres.columns import decode, to_moment, to_optional_moment
from kiwisms.adapters.postgres.connections import Connections, Parameters
from kiwisms.adapters.postgres.statements import work_queue as sql
from kiwisms.adapters.sql_rows.columns import Row
from kiwisms.domain.delivery import Delivery
from kiwisms.domain.ids import AccountId, DeliveryId, RentalId
from kiwisms.domain.incident import Incident
from kiwisms.domain.rental import Rental


class WorkQueue:
    """`WorkQueue` for the store in Postgres."""

    connections: Connections

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
            "now": now,
            "look_after": look_after,
            "until": until,
        }
        return bool(await self.connections.write(sql.CLAIM_RENTAL, claim))

    async def hasten_rental(
        self, account_id: AccountId, rental_id: RentalId, *, now: datetime
    ) -> bool:
        """Make a rental due now, and allow a look at it; return whether it is OPEN."""
        asked = {"account_id": account_id, "id": rental_id, "now": now}
        return bool(await self.connections.write(sql.HASTEN_RENTAL, asked))

    async def claim_due_rentals(
        self, *, now: datetime, look_after: datetime, until: datetime, limit: int
    ) -> Sequence[Rental]:
        """Claim rentals that are due, the longest due first."""
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
        """Claim deliveries that are due, a few of each account."""
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
        """Claim incidents that are due, the longest due first."""
        asked = {"now": now, "until": until, "limit": limit}
        rows = await self._claim(sql.CLAIM_DUE_INCIDENTS, asked)
        return [decode.incident(row) for row in rows]

    async def next_due(self) -> datetime | None:
        """When the next rental, delivery or incident is due; ``None`` when none is waiting."""
        row = await self.connections.read_one(sql.NEXT_DUE)
        return to_optional_moment(row[0]) if row else None

    async def _claim(self, claim: str, asked: Parameters) -> list[Row]:
        """Return the claimed rows, the longest due first, without the column for sorting."""
        rows = await self.connections.write(claim, asked)
        return [row[1:] for row in sorted(rows, key=_by_due)]


def _by_due(row: Row) -> tuple[datetime, AccountId, RentalId | DeliveryId]:
    due_at, account_id, own_id = row[:3]
    return to_moment(due_at), account_id, own_id
