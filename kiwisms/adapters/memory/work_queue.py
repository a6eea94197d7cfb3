"""The queue of due work: claims with a lease, and the time of the next due work."""

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime
from typing import TypeVar

from attrs import evolve

from kiwisms.adapters.memory.account_reads import AccountReads
from kiwisms.domain.delivery import Delivery
from kiwisms.domain.ids import AccountId, RentalId
from kiwisms.domain.incident import Incident
from kiwisms.domain.rental import Rental
from kiwisms.domain.rental_state import OPEN

Work = TypeVar("Work", Rental, Delivery, Incident)


class WorkQueue(AccountReads):
    """`WorkQueue` for the store in memory."""

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
        rental = await self.rental(account_id, rental_id)
        if rental is None or not rental.may_be_looked_at(now):
            return False
        self._records[account_id].put(evolve(rental, look_after=look_after, due_at=until))
        return True

    async def hasten_rental(
        self, account_id: AccountId, rental_id: RentalId, *, now: datetime
    ) -> bool:
        """Make a rental due now, and allow a look at it; return whether it is OPEN."""
        rental = await self.rental(account_id, rental_id)
        if rental is None or rental.state not in OPEN:
            return False
        self._records[account_id].put(evolve(rental, look_after=now, due_at=now))
        return True

    async def claim_due_rentals(
        self, *, now: datetime, look_after: datetime, until: datetime, limit: int
    ) -> Sequence[Rental]:
        """Claim rentals that are due, the longest due first."""
        due = [
            evolve(rental, look_after=look_after, due_at=until)
            for rental in _due(self._all_rentals(), now, limit)
        ]
        for rental in due:
            self._records[rental.account_id].put(rental)
        return due

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
        of_each = (
            delivery
            for account_id, own in self._records.items()
            if account_id not in busy
            for delivery in _due(own.deliveries.values(), now, per_account)
        )
        due = [evolve(delivery, due_at=until) for delivery in _due(of_each, now, limit)]
        for delivery in due:
            self._records[delivery.account_id].put(delivery)
        return due

    async def claim_due_incidents(
        self, *, now: datetime, until: datetime, limit: int
    ) -> Sequence[Incident]:
        """Claim incidents that are due, the longest due first."""
        due = [
            evolve(incident, due_at=until) for incident in _due(self._all_incidents(), now, limit)
        ]
        for incident in due:
            self._records[incident.account_id].put(incident)
        return due

    async def next_due(self) -> datetime | None:
        """When the next rental, delivery or incident is due; ``None`` when none is waiting."""
        rentals = (rental.due_at for rental in self._all_rentals())
        deliveries = (delivery.due_at for delivery in self._all_deliveries())
        incidents = (incident.due_at for incident in self._all_incidents())
        dues = (due_at for due_at in (*rentals, *deliveries, *incidents) if due_at is not None)
        return min(dues, default=None)


def _due(work: Iterable[Work], now: datetime, limit: int) -> list[Work]:
    due = sorted(
        (each.due_at, each.account_id, each.id, each)
        for each in work
        if each.due_at is not None and each.due_at <= now
    )
    return [each for _, _, _, each in due[:limit]]
