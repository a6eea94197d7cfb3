"""Events on their way out, written in the transaction of what they tell."""

import json
from collections.abc import Iterator, Mapping
from datetime import datetime
from functools import lru_cache

from attrs import frozen

from kiwisms.application.progress import Progress
from kiwisms.domain.delivery import Delivery, Webhook
from kiwisms.domain.events import WebhookEvent, end_of, fell_below
from kiwisms.domain.ids import AccountId, DeliveryId, KeyPrefix, RentalId
from kiwisms.domain.money import MICROS_PER_DOLLAR, Money
from kiwisms.domain.rental import Rental
from kiwisms.domain.sms import Message
from kiwisms.domain.wallet import Wallet
from kiwisms.ports.clock import Clock
from kiwisms.ports.ids import Ids
from kiwisms.ports.store import Transaction

WORK = "work"
"""The topic that wakes the workers."""
Body = Mapping[str, str | float]


@frozen(kw_only=True, eq=False)
class Outbox:
    """Writes a delivery for each event that somebody wants to hear of."""

    clock: Clock
    ids: Ids

    async def save(self, tx: Transaction, progress: Progress) -> None:
        """Save what a transaction did to a rental and its money, with the events that tell it."""
        tx.save(*progress.facts)
        if progress.rental is not None:
            await self._rental_moved(tx, progress.rental_before, progress.rental)
        await self.wallet_moved(tx, progress.wallet_before, progress.wallet)

    async def wallet_moved(self, tx: Transaction, before: Wallet, after: Wallet) -> None:
        """Tell, at the account's own address, that less is available than it asked to have."""
        if after.available >= before.available:
            return
        webhook = await tx.webhook(None)
        if webhook is None or webhook.low is None:
            return
        if fell_below(webhook.low, before=before.available, after=after.available):
            body: Body = {
                "event": WebhookEvent.WALLET_LOW,
                "balance": dollars(after.available),
                "threshold": dollars(webhook.low),
                "at": instant(self.clock.now()),
            }
            self._send(tx, webhook, body, None)

    async def _rental_moved(self, tx: Transaction, before: Rental | None, after: Rental) -> None:
        """Tell it at the address of the key that rented, or else at the account's."""
        bodies = list(_of_rental(before, after))
        if not bodies:
            return
        webhook = None
        if after.key_prefix is not None:
            webhook = await tx.webhook(after.key_prefix)
        if webhook is None:
            webhook = await tx.webhook(None)
        if webhook is not None:
            for body in bodies:
                self._send(tx, webhook, body, after.id)

    def _send(
        self, tx: Transaction, webhook: Webhook, body: Body, rental_id: RentalId | None
    ) -> None:
        if webhook.hears(str(body["event"])):
            to, now = webhook.key_prefix, self.clock.now()
            tx.save(self.event(webhook.account_id, to, body, rental_id=rental_id, due_at=now))

    def event(
        self,
        account_id: AccountId,
        key_prefix: KeyPrefix | None,
        body: Body,
        *,
        rental_id: RentalId | None,
        due_at: datetime,
    ) -> Delivery:
        """Make the delivery of one event; its id stays the same on every try."""
        return Delivery(
            id=DeliveryId(self.ids.new()),
            account_id=account_id,
            key_prefix=key_prefix,
            event=str(body["event"]),
            rental_id=rental_id,
            body=json.dumps(body, ensure_ascii=False, separators=(",", ":")),
            created_at=self.clock.now(),
            due_at=due_at,
        )


def _of_rental(before: Rental | None, after: Rental) -> Iterator[Body]:
    for message in after.messages[0 if before is None else len(before.messages) :]:
        yield _sms_received(after, message)
    ended = end_of(before, after)
    if ended is not None:
        yield _rental_ended(ended, after)


def _sms_received(rental: Rental, message: Message) -> Body:
    return {
        **_about(WebhookEvent.SMS_RECEIVED, rental),
        "otpCode": message.code,
        "smsText": message.code if message.text is None else message.text,
        "receivedAt": instant(message.at),
    }


def _rental_ended(event: WebhookEvent, rental: Rental) -> Body:
    return {
        **_about(event, rental),
        "status": rental.state,
        "price": dollars(rental.price),
        "at": instant(rental.changed_at),
    }


def _about(event: WebhookEvent, rental: Rental) -> Body:
    return {
        "event": event,
        "rentalId": rental.id,
        "serviceCode": rental.service,
        "serviceName": rental.service_name,
        "phone": rental.phone,
    }


def dollars(money: Money) -> float:
    """Write an amount as the contract does: a JSON number; wallets and prices are whole cents."""
    return money.micros / MICROS_PER_DOLLAR


# A rental's moments are written again on every poll.
@lru_cache(maxsize=1024)
def instant(moment: datetime) -> str:
    """Write a UTC moment as the contract does: RFC 3339 with milliseconds and ``Z``."""
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
