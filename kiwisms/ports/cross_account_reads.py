"""Reads across accounts, and of records that belong to no account."""

from collections.abc import AsyncIterator, Sequence
from datetime import datetime
from typing import Protocol

from kiwisms.domain.account import Account
from kiwisms.domain.books import Books
from kiwisms.domain.delivery import Delivery
from kiwisms.domain.ids import AccountId, ActivationId, DeliveryId, IncidentId, RentalId
from kiwisms.domain.incident import Incident
from kiwisms.domain.push import PushedMessage
from kiwisms.domain.reconciliation import Outlay, Reading
from kiwisms.domain.rental import Rental
from kiwisms.domain.rental_state import State


class CrossAccountReads(Protocol):
    """Reads for the operator, and for callers that know an id or a number but not its account."""

    async def account_by_email(self, email: str) -> Account | None:
        """Find an account by its normalized email."""
        ...

    async def accounts(self) -> Sequence[Account]:
        """All accounts, the oldest first."""
        ...

    async def find_rental(self, rental_id: RentalId) -> Rental | None:
        """Find a rental without knowing its account: for the operator."""
        ...

    async def find_rental_by_activation(self, activation_id: ActivationId) -> Rental | None:
        """Find a rental by upstream's id of its number: an OPEN one first, else the newest."""
        ...

    async def rentals(
        self, *, account_id: AccountId | None, state: State | None, limit: int
    ) -> Sequence[Rental]:
        """The newest rentals, of one account or of all, in one state or in any."""
        ...

    async def find_delivery(self, delivery_id: DeliveryId) -> Delivery | None:
        """Find a delivery without knowing its account: for the operator."""
        ...

    async def incidents(self, *, open_only: bool = False, limit: int) -> Sequence[Incident]:
        """The newest incidents, or the newest that are open."""
        ...

    async def find_incident(self, incident_id: IncidentId) -> Incident | None:
        """Find an incident without knowing its account: for the operator."""
        ...

    async def count_open_incidents(self) -> int:
        """How many incidents of all accounts are open."""
        ...

    async def pushes(self, activation_id: ActivationId) -> Sequence[PushedMessage]:
        """Every message that was pushed for a number, in the order of arrival."""
        ...

    async def unmatched_pushes(self, *, since: datetime, limit: int) -> Sequence[PushedMessage]:
        """The newest messages pushed since then for numbers that no rental and no incident has."""
        ...

    async def outlay(self, *, ending: datetime) -> Outlay:
        """Add up what upstream was paid; waiting numbers that expire by *ending* are moving."""
        ...

    async def last_reading(self) -> Reading | None:
        """The newest reading of upstream's balance."""
        ...

    def books(self) -> AsyncIterator[Books]:
        """Every account's books, each read at one moment."""
        ...
