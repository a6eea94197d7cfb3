"""The reads over all accounts, and of data that belongs to no account."""

from collections.abc import AsyncIterator, Sequence
from datetime import datetime
from heapq import nlargest

from kiwisms.adapters.memory.tables import Tables, age
from kiwisms.domain.account import Account
from kiwisms.domain.books import Books
from kiwisms.domain.delivery import Delivery
from kiwisms.domain.ids import AccountId, ActivationId, DeliveryId, IncidentId, RentalId
from kiwisms.domain.incident import Incident
from kiwisms.domain.money import ZERO
from kiwisms.domain.push import PushedMessage
from kiwisms.domain.reconciliation import PAID_UPSTREAM, Outlay, Reading
from kiwisms.domain.rental import Rental, preferred
from kiwisms.domain.rental_state import State


class CrossAccountReads(Tables):
    """`CrossAccountReads` for the store in memory."""

    async def account_by_email(self, email: str) -> Account | None:
        """Find an account by its normalized email."""
        accounts = (each.account for each in self._records.values())
        return next((account for account in accounts if account.email == email), None)

    async def accounts(self) -> Sequence[Account]:
        """All accounts, the oldest first."""
        accounts = (each.account for each in self._records.values())
        return sorted(accounts, key=lambda account: (account.created_at, account.id))

    async def find_rental(self, rental_id: RentalId) -> Rental | None:
        """Find a rental without knowing its account."""
        return next((each for each in self._all_rentals() if each.id == rental_id), None)

    async def find_rental_by_activation(self, activation_id: ActivationId) -> Rental | None:
        """Find a rental by upstream's id of its number."""
        return preferred(
            each for each in self._all_rentals() if each.activation_id == activation_id
        )

    async def rentals(
        self, *, account_id: AccountId | None, state: State | None, limit: int
    ) -> Sequence[Rental]:
        """The newest rentals, of one account or of all, in one state or in any."""
        asked = (
            rental
            for rental in self._all_rentals()
            if account_id in {None, rental.account_id} and state in {None, rental.state}
        )
        return nlargest(limit, asked, key=age)

    async def find_delivery(self, delivery_id: DeliveryId) -> Delivery | None:
        """Find a delivery without knowing its account."""
        return next((each for each in self._all_deliveries() if each.id == delivery_id), None)

    async def incidents(self, *, open_only: bool = False, limit: int) -> Sequence[Incident]:
        """The newest incidents, or the newest that are open."""
        asked = (each for each in self._all_incidents() if each.is_open or not open_only)
        return nlargest(limit, asked, key=lambda incident: (incident.at, incident.id))

    async def find_incident(self, incident_id: IncidentId) -> Incident | None:
        """Find an incident without knowing its account."""
        return next((each for each in self._all_incidents() if each.id == incident_id), None)

    async def count_open_incidents(self) -> int:
        """How many incidents of all accounts are open."""
        return sum(each.is_open for each in self._all_incidents())

    async def pushes(self, activation_id: ActivationId) -> Sequence[PushedMessage]:
        """Every message that was pushed for a number, in the order of arrival."""
        pushes = (each for each in self._pushes.values() if each.activation_id == activation_id)
        return sorted(pushes, key=lambda each: (each.arrived_at, each.id))

    async def unmatched_pushes(self, *, since: datetime, limit: int) -> Sequence[PushedMessage]:
        """The newest messages since *since*, for numbers that no rental and no incident has."""
        known = {rental.activation_id for rental in self._all_rentals()}
        known |= {incident.activation_id for incident in self._all_incidents()}
        unmatched = (
            each
            for each in self._pushes.values()
            if each.activation_id not in known and each.arrived_at >= since
        )
        return nlargest(limit, unmatched, key=lambda each: (each.arrived_at, each.id))

    async def outlay(self, *, ending: datetime) -> Outlay:
        """Add up the payments to upstream."""
        paid = [rental for rental in self._all_rentals() if rental.state in PAID_UPSTREAM]
        moving = (
            rental.state is State.REQUESTED
            or (rental.state is State.WAITING and rental.expires_at <= ending)
            for rental in self._all_rentals()
        )
        return Outlay(
            spent=sum((rental.cost or ZERO for rental in paid), start=ZERO),
            uncosted=sum(rental.cost is None for rental in paid),
            moving=sum(moving),
        )

    async def last_reading(self) -> Reading | None:
        """The newest reading of upstream's balance."""
        return max(self._readings, key=lambda reading: reading.at, default=None)

    async def books(self) -> AsyncIterator[Books]:
        """Every account's books, each read from one snapshot."""
        for account in await self.accounts():
            yield self._records[account.id].books()
