"""Try the deliveries that are due: sign, send, and save what the receiver answered."""

import logging
from datetime import datetime
from typing import Final
from urllib.parse import urlsplit

from attrs import field, frozen

from kiwisms.application.bulkheads import Bulkheads
from kiwisms.application.retry import retry_on_conflict
from kiwisms.application.trail import Trail
from kiwisms.domain.actors import WORKER
from kiwisms.domain.delivery import GONE, TEST_EVENT, Delivery, DeliveryStatus
from kiwisms.domain.signature import sign
from kiwisms.domain.terms import Terms
from kiwisms.domain.trail import Action
from kiwisms.domain.webhook import Webhook
from kiwisms.ports.clock import Clock
from kiwisms.ports.store import Store
from kiwisms.ports.vault import Vault, VaultLocked
from kiwisms.ports.webhooks import Answered, NotAnswered, WebhookSender

log = logging.getLogger(__name__)

CONTENT_TYPE: Final = {"Content-Type": "application/json"}
TRIES_PER_HOST: Final = 20
WAITING_PER_HOST: Final = 40
"""How many deliveries may wait for tries of their host to end; further ones are skipped."""


@frozen(kw_only=True, eq=False)
class Delivering:
    """Tries deliveries, with a limit for each host on the tries at once."""

    store: Store
    sender: WebhookSender
    vault: Vault
    clock: Clock
    terms: Terms
    trail: Trail
    _hosts: Bulkheads[str] = field(
        factory=lambda: Bulkheads(TRIES_PER_HOST, WAITING_PER_HOST), init=False
    )

    async def deliver(self, delivery: Delivery) -> Delivery:
        """
        Try a delivery once, which the caller has claimed, and save the result.

        If its host has too many tries under way, it is skipped: nothing is saved, and it is due
        again when its lease ends.
        """
        webhook = await self.store.webhook(delivery.account_id, delivery.key_prefix)
        if webhook is None or webhook.stopped_at is not None:
            return await self._save_try(delivery, NotAnswered("the address is no longer set"), None)
        async with self._hosts.place(urlsplit(webhook.url).hostname or "") as placed:
            if placed and self._has_time(delivery):
                return await self._try(delivery, webhook)
        return delivery

    def _has_time(self, delivery: Delivery) -> bool:
        """Whether enough of the lease is left that no other worker can begin the same try."""
        now = self.clock.now()
        return delivery.due_at is None or delivery.due_at >= now + self.terms.lease / 2

    async def _try(self, delivery: Delivery, webhook: Webhook) -> Delivery:
        now, body = self.clock.now(), delivery.body.encode()
        try:
            secrets = tuple(map(self.vault.open, webhook.signing(now)))
        except VaultLocked:
            log.exception("webhook of %s cannot be signed", delivery.account_id)
            return await self._save_try(delivery, NotAnswered("cannot be signed here"), webhook)
        headers = sign(body, delivery_id=delivery.id, at=now, secrets=secrets) | CONTENT_TYPE
        answer = await self.sender.send(webhook.url, body=body, headers=headers)
        return await self._save_try(delivery, answer, webhook)

    @retry_on_conflict
    async def _save_try(
        self, tried: Delivery, answer: Answered | NotAnswered, webhook: Webhook | None
    ) -> Delivery:
        now = self.clock.now()
        async with self.store.transaction(tried.account_id) as tx:
            delivery = await tx.delivery(tried.id)
            if delivery is None or delivery.status is not DeliveryStatus.PENDING:
                return delivery or tried
            after = _after_try(delivery, answer, now, has_address=webhook is not None)
            tx.save(after)
            gone = isinstance(answer, Answered) and answer.status == GONE
            current = await tx.webhook(delivery.key_prefix) if gone else None
            # The customer may have set another address while this one was tried.
            if current is not None and webhook is not None and current.url == webhook.url:
                stopped = self.trail.entry_of_webhook(current, Action.WEBHOOK_STOPPED, by=WORKER)
                tx.save(current.stop(now), stopped)
        # The caller that sends a test event gets its result.
        if after.status is DeliveryStatus.GIVEN_UP and after.event != TEST_EVENT:
            log.warning("event %s of %s given up: %s", after.id, after.account_id, after.last_error)
        return after


def _after_try(
    delivery: Delivery, answer: Answered | NotAnswered, now: datetime, *, has_address: bool
) -> Delivery:
    match answer:
        case Answered(status=status) if 200 <= status < 300:
            return delivery.accepted()
        case Answered(status=status) if status == GONE:
            return delivery.given_up("HTTP 410: the receiver wants no more events", now)
        case Answered(status=status):
            return delivery.failed(f"HTTP {status}", now)
        case NotAnswered(reason=reason):
            fail = delivery.failed if has_address else delivery.given_up
            return fail(reason, now)
