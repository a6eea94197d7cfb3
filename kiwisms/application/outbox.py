"""Events on their way out, written in the transaction of what they tell."""

import json
from datetime import datetime
from functools import lru_cache

from attrs import frozen

from kiwisms.domain.delivery import Delivery
from kiwisms.domain.ids import AccountId, DeliveryId, KeyPrefix, RentalId
from kiwisms.domain.rental import Rental
from kiwisms.domain.sms import Message
from kiwisms.ports.clock import Clock
from kiwisms.ports.ids import Ids
from kiwisms.ports.store import Transaction

WORK = "work"
"""The topic that wakes the workers."""


@frozen(kw_only=True, eq=False)
class Outbox:
    """Writes a delivery for each event that somebody wants to hear of."""

    clock: Clock
    ids: Ids

    async def sms_received(self, tx: Transaction, rental: Rental, message: Message) -> None:
        """Tell of a message: to the address of the key that rented, or else the account's."""
        webhook = None
        if rental.key_prefix is not None:
            webhook = await tx.webhook(rental.key_prefix)
        if webhook is None:
            webhook = await tx.webhook(None)
        if webhook is None or webhook.stopped_at is not None:
            return
        body = {
            "event": "sms.received",
            "rentalId": rental.id,
            "serviceCode": rental.service,
            "serviceName": rental.service_name,
            "phone": rental.phone,
            "otpCode": message.code,
            "smsText": message.code if message.text is None else message.text,
            "receivedAt": instant(message.at),
        }
        delivery = self.event(
            rental.account_id, webhook.key_prefix, body, rental_id=rental.id, due_at=message.at
        )
        tx.save(delivery)

    def event(
        self,
        account_id: AccountId,
        key_prefix: KeyPrefix | None,
        body: dict[str, str],
        *,
        rental_id: RentalId | None,
        due_at: datetime,
    ) -> Delivery:
        """Make the delivery of one event; its id stays the same on every try."""
        return Delivery(
            id=DeliveryId(self.ids.new()),
            account_id=account_id,
            key_prefix=key_prefix,
            event=body["event"],
            rental_id=rental_id,
            body=json.dumps(body, ensure_ascii=False, separators=(",", ":")),
            created_at=self.clock.now(),
            due_at=due_at,
        )


# A rental's moments are written again on every poll.
@lru_cache(maxsize=1024)
def instant(moment: datetime) -> str:
    """Write a UTC moment as the contract does: RFC 3339 with milliseconds and ``Z``."""
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
