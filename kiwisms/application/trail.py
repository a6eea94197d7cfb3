"""The trail: record who changed what, and read it."""

from collections.abc import Sequence
from typing import Final
from urllib.parse import urlsplit

from attrs import frozen

from kiwisms.application.lists import of_account
from kiwisms.domain.billing import MOVES
from kiwisms.domain.causes import transfer_id
from kiwisms.domain.ids import AccountId, TrailId
from kiwisms.domain.rental import Rental
from kiwisms.domain.trail import Action, Line, TrailEntry, timeline
from kiwisms.domain.webhook import Webhook
from kiwisms.ports.clock import Clock
from kiwisms.ports.ids import Ids
from kiwisms.ports.store import Store

LIMIT: Final = 10_000
"""How many of an account's newest entries are searched for those about one rental."""


@frozen(kw_only=True, eq=False)
class Trail:
    """The use cases about the trail; *by* is the actor when no other is named."""

    store: Store
    clock: Clock
    ids: Ids
    by: str

    def entry(
        self,
        account_id: AccountId,
        action: Action,
        subject: str = "",
        detail: str = "",
        *,
        by: str | None = None,
    ) -> TrailEntry:
        """Make an entry, to be saved with the change that it records."""
        return TrailEntry(
            account_id=account_id,
            id=TrailId(self.ids.new()),
            at=self.clock.now(),
            by=by or self.by,
            action=action,
            subject=subject,
            detail=detail,
        )

    def entry_of_webhook(
        self, webhook: Webhook, action: Action, *, by: str | None = None
    ) -> TrailEntry:
        """Make an entry about an address; it names only the host, as the rest may hold secrets."""
        parts = urlsplit(webhook.url)
        return self.entry(
            webhook.account_id,
            action,
            webhook.key_prefix or "",
            f"{parts.scheme}://{parts.netloc}",
            by=by,
        )

    async def of(self, account_id: AccountId, *, limit: int = 100) -> Sequence[TrailEntry]:
        """What was done to an account, the newest first; raises `AccountNotFound`."""
        found = await self.store.trail(account_id, limit=limit)
        return await of_account(self.store, account_id, found)

    async def of_rental(self, rental: Rental) -> list[Line]:
        """All that happened to a rental, in the order of time."""
        account_id, rental_id = rental.account_id, rental.id
        async with self.store.transaction(account_id) as tx:
            moved = [await tx.transfer(transfer_id(rental, effect)) for effect in MOVES]
        deliveries = await self.store.deliveries_of_rental(account_id, rental_id)
        incidents = await self.store.incidents_of_rental(account_id, rental_id)
        about: set[str] = {rental_id}
        about.update(each.id for each in deliveries)
        about.update(each.id for each in incidents)
        entries = await self.of(account_id, limit=LIMIT)
        return timeline(
            steps=await self.store.steps(account_id, rental_id),
            transfers=(transfer for transfer in moved if transfer is not None),
            deliveries=deliveries,
            incidents=incidents,
            entries=(entry for entry in reversed(entries) if entry.subject in about),
        )
