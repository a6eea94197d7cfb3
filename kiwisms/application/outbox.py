"""The outbox: events are saved as deliveries in the transaction that causes them."""

from datetime import datetime

from attrs import frozen

from kiwisms.application.progress import Progress
from kiwisms.domain.delivery import Delivery
from kiwisms.domain.events import Event, fell_below, rental_events, wallet_low
from kiwisms.domain.ids import AccountId, DeliveryId, KeyPrefix
from kiwisms.domain.rental import Rental
from kiwisms.domain.wallet import Wallet
from kiwisms.domain.webhook import Webhook
from kiwisms.ports.clock import Clock
from kiwisms.ports.ids import Ids
from kiwisms.ports.transaction import Transaction

WORK = "work"
"""The topic that wakes the workers."""


@frozen(kw_only=True, eq=False)
class Outbox:
    """Saves a delivery for each event that an address is subscribed to."""

    clock: Clock
    ids: Ids

    async def save(self, tx: Transaction, progress: Progress) -> None:
        """Save what a transaction did to a rental and its money, and the events of that."""
        tx.save(*progress.facts)
        if progress.rental is not None:
            await self._rental_moved(tx, progress.rental_before, progress.rental)
        await self.wallet_moved(tx, progress.wallet_before, progress.wallet)

    async def wallet_moved(self, tx: Transaction, before: Wallet, after: Wallet) -> None:
        """Send ``wallet.low`` to the account's own address if the balance fell below its limit."""
        if after.available >= before.available:
            return
        webhook = await tx.webhook(None)
        if webhook is None or webhook.low is None:
            return
        if fell_below(webhook.low, before=before.available, after=after.available):
            self._send(tx, webhook, wallet_low(after.available, webhook.low, self.clock.now()))

    async def _rental_moved(self, tx: Transaction, before: Rental | None, after: Rental) -> None:
        """Send the events to the address of the key that rented, or else to the account's own."""
        events = list(rental_events(before, after))
        if not events:
            return
        webhook = None
        if after.key_prefix is not None:
            webhook = await tx.webhook(after.key_prefix)
        if webhook is None:
            webhook = await tx.webhook(None)
        if webhook is not None:
            for event in events:
                self._send(tx, webhook, event)

    def _send(self, tx: Transaction, webhook: Webhook, event: Event) -> None:
        if webhook.receives(event.name):
            to, now = webhook.key_prefix, self.clock.now()
            tx.save(self.delivery(webhook.account_id, to, event, due_at=now))

    def delivery(
        self,
        account_id: AccountId,
        key_prefix: KeyPrefix | None,
        event: Event,
        *,
        due_at: datetime,
    ) -> Delivery:
        """Make the delivery of one event; its id stays the same on every try."""
        return Delivery(
            id=DeliveryId(self.ids.new()),
            account_id=account_id,
            key_prefix=key_prefix,
            event=event.name,
            rental_id=event.rental_id,
            body=event.to_json(),
            created_at=self.clock.now(),
            due_at=due_at,
        )
