"""Work that waits for its time: who takes it, and when the next comes."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Protocol

from kiwisms.domain.delivery import Delivery
from kiwisms.domain.ids import AccountId, RentalId
from kiwisms.domain.incident import Incident
from kiwisms.domain.rental import Rental


class WorkQueue(Protocol):
    """
    Rentals, deliveries and incidents that come due.

    Whoever claims one moves its ``due_at`` forward by a lease, so that nobody else takes it; when
    that one never finishes, it comes due again.
    """

    async def claim_rental(
        self,
        account_id: AccountId,
        rental_id: RentalId,
        *,
        now: datetime,
        look_after: datetime,
        until: datetime,
    ) -> bool:
        """
        Take the right to look upstream at one rental, once.

        Only when it is OPEN and its ``look_after`` has come. Of all who ask at once, one is given
        it.

        Args:
            account_id: Whose rental.
            rental_id: Which.
            now: The moment of the look.
            look_after: Becomes the rental's: whoever polls may look again then, also when this
                look never ended.
            until: Becomes its ``due_at``: nobody need look by himself before.
        """
        ...

    async def hasten_rental(
        self, account_id: AccountId, rental_id: RentalId, *, now: datetime
    ) -> bool:
        """Make a rental due now, and let it be looked at; tells whether it is OPEN."""
        ...

    async def claim_due_rentals(
        self, *, now: datetime, look_after: datetime, until: datetime, limit: int
    ) -> Sequence[Rental]:
        """
        Take rentals whose ``due_at`` has come, the longest due first.

        Their ``due_at`` becomes *until*, so no other worker takes them before, and one does
        after; *look_after* is as in `claim_rental`. Returns them as they are now.
        """
        ...

    async def claim_due_deliveries(
        self,
        *,
        now: datetime,
        until: datetime,
        limit: int,
        per_account: int,
        busy: Collection[AccountId] = (),
    ) -> Sequence[Delivery]:
        """
        Take deliveries whose ``due_at`` has come, as `claim_due_rentals` does.

        Of each account the *per_account* longest due are given at most, and of those that are
        *busy* none, however many are due.
        """
        ...

    async def claim_due_incidents(
        self, *, now: datetime, until: datetime, limit: int
    ) -> Sequence[Incident]:
        """Take incidents whose ``due_at`` has come, as `claim_due_rentals` does."""
        ...

    async def next_due(self) -> datetime | None:
        """When the next rental, delivery or incident comes due, if any ever does."""
        ...
