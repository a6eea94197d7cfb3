"""The queue of due work: how it is claimed, and when the next is due."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Protocol

from kiwisms.domain.delivery import Delivery
from kiwisms.domain.ids import AccountId, RentalId
from kiwisms.domain.incident import Incident
from kiwisms.domain.rental import Rental


class WorkQueue(Protocol):
    """
    Rentals, deliveries and incidents that are due.

    A claim moves ``due_at`` forward by a lease, so that no other worker takes the same work. If
    the work is never finished, it is due again when the lease ends.
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
        Claim one look upstream at a rental; returns whether the caller may look.

        It may when the rental is OPEN and its ``look_after`` has come. Of several callers at once,
        only one may.

        Args:
            account_id: The account of the rental.
            rental_id: The rental.
            now: The moment of the look.
            look_after: The rental's new ``look_after``: from then on a poll may look again, even
                if this look never ends.
            until: The rental's new ``due_at``: no worker looks before.
        """
        ...

    async def hasten_rental(
        self, account_id: AccountId, rental_id: RentalId, *, now: datetime
    ) -> bool:
        """Make a rental due now, and allow a look at it now; returns whether it is OPEN."""
        ...

    async def claim_due_rentals(
        self, *, now: datetime, look_after: datetime, until: datetime, limit: int
    ) -> Sequence[Rental]:
        """
        Claim rentals whose ``due_at`` has come, the longest due first.

        Their ``due_at`` becomes *until*: no other worker takes them before, and one does after if
        they are still due. *look_after* is as in `claim_rental`. Returns them as they are now.
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
        Claim deliveries whose ``due_at`` has come, as `claim_due_rentals` does.

        Of each account at most the *per_account* longest due are claimed, and none of the accounts
        in *busy*.
        """
        ...

    async def claim_due_incidents(
        self, *, now: datetime, until: datetime, limit: int
    ) -> Sequence[Incident]:
        """Claim incidents whose ``due_at`` has come, as `claim_due_rentals` does."""
        ...

    async def next_due(self) -> datetime | None:
        """When the next rental, delivery or incident is due, if any is."""
        ...
