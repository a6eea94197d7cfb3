"""Webhook addresses and deliveries: set them, try them, try them again."""

import logging
from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Final
from urllib.parse import urlsplit

from attrs import field, frozen

from kiwisms.application.lines import Lines
from kiwisms.application.outbox import WORK, Outbox
from kiwisms.application.repeat import repeatable
from kiwisms.application.trail import Trail
from kiwisms.application.wallets import Amount
from kiwisms.domain.actors import WORKER
from kiwisms.domain.api_key import ApiKeyNotFound
from kiwisms.domain.contract_values import instant
from kiwisms.domain.delivery import GONE, TEST_EVENT, Delivery, DeliveryNotFound, DeliveryStatus
from kiwisms.domain.events import read_events
from kiwisms.domain.ids import AccountId, DeliveryId, KeyPrefix
from kiwisms.domain.money import Money
from kiwisms.domain.signature import new_secret, sign
from kiwisms.domain.terms import Terms
from kiwisms.domain.trail import Action, TrailEntry
from kiwisms.domain.webhook import Webhook, WebhookNotFound, check_url
from kiwisms.ports.clock import Clock
from kiwisms.ports.ids import Ids
from kiwisms.ports.notices import Notices
from kiwisms.ports.store import Store
from kiwisms.ports.vault import Vault, VaultLocked
from kiwisms.ports.webhooks import Answered, NotAnswered, WebhookSender

log = logging.getLogger(__name__)

CONTENT_TYPE: Final = {"Content-Type": "application/json"}
TRIES_PER_HOST: Final = 20
WAITING_PER_HOST: Final = 40
"""Deliveries that wait until one of their host's tries has ended; further ones are let go."""


@frozen(kw_only=True)
class Resealed:
    """
    How many addresses had their secrets sealed anew, and how many needed it not.

    The secrets of those that are *locked* were sealed with a key that is not known here.
    """

    resealed: int
    unchanged: int
    locked: Sequence[Webhook]


@frozen(kw_only=True, eq=False)
class Webhooks:
    """The use cases about webhooks. An address is an account's, or goes before it for one key."""

    store: Store
    sender: WebhookSender
    vault: Vault
    outbox: Outbox
    clock: Clock
    ids: Ids
    notices: Notices
    terms: Terms
    trail: Trail
    _hosts: Lines[str] = field(factory=lambda: Lines(TRIES_PER_HOST, WAITING_PER_HOST), init=False)

    @repeatable
    async def set(
        self,
        account_id: AccountId,
        url: str,
        *,
        key_prefix: KeyPrefix | None = None,
        events: str | Collection[str] | None = None,
        low: Amount | None = None,
    ) -> tuple[Webhook, str]:
        """
        Send events to *url* from now on.

        Args:
            account_id: Whose events.
            url: An http(s) address without user info.
            key_prefix: Only for what this API key rented.
            events: The names of those to send, such as ``"sms.received,rental.expired"``; without
                it what was sent there before, or else ``sms.received``.
            low: Dollars; ``wallet.low`` is sent when less becomes available. Without it as before.

        Returns:
            The address, and the secret ``whsec_…`` that signs. An address that is only changed
            keeps its secret.

        Raises:
            ValidationRefused: The address, an event or the amount cannot be used.
            ApiKeyNotFound: The account has no such key.
        """
        check_url(url)
        asked = None if events is None else read_events(events)
        below = low if low is None or isinstance(low, Money) else Money.parse(low, name="low")
        async with self.store.transaction(account_id) as tx:
            if key_prefix is not None and await tx.api_key(key_prefix) is None:
                raise ApiKeyNotFound(key_prefix)
            earlier = await tx.webhook(key_prefix)
            if earlier is None:
                secret = new_secret(self.ids.secret())
                webhook = Webhook(
                    account_id=account_id,
                    key_prefix=key_prefix,
                    url=url,
                    sealed_secret=self.vault.seal(secret),
                )
            else:
                secret = self.vault.open(earlier.sealed_secret)
                webhook = earlier.move_to(url)
            webhook = webhook.ask_for(asked, below)
            tx.save(webhook, self._entry(webhook, Action.WEBHOOK_SET))
        return webhook, secret

    async def show(
        self, account_id: AccountId, *, key_prefix: KeyPrefix | None = None
    ) -> tuple[Webhook, str]:
        """Read an address and its secret; raises `WebhookNotFound`."""
        webhook = await self.store.webhook(account_id, key_prefix)
        if webhook is None:
            raise WebhookNotFound
        return webhook, self.vault.open(webhook.sealed_secret)

    async def all(self, account_id: AccountId) -> Sequence[Webhook]:
        """Every address of an account, its own first."""
        return await self.store.webhooks(account_id)

    @repeatable
    async def clear(self, account_id: AccountId, *, key_prefix: KeyPrefix | None = None) -> Webhook:
        """Send no more events there; raises `WebhookNotFound`."""
        async with self.store.transaction(account_id) as tx:
            webhook = await tx.webhook(key_prefix)
            if webhook is None:
                raise WebhookNotFound
            tx.remove(webhook)
            tx.save(self._entry(webhook, Action.WEBHOOK_CLEARED))
        return webhook

    @repeatable
    async def rotate(
        self, account_id: AccountId, *, key_prefix: KeyPrefix | None = None
    ) -> tuple[Webhook, str]:
        """Sign with a new secret; for 24 hours the old one signs too. Raises `WebhookNotFound`."""
        secret = new_secret(self.ids.secret())
        async with self.store.transaction(account_id) as tx:
            webhook = await tx.webhook(key_prefix)
            if webhook is None:
                raise WebhookNotFound
            rotated = webhook.rotate(self.vault.seal(secret), self.clock.now())
            tx.save(rotated, self._entry(rotated, Action.WEBHOOK_ROTATED))
        return rotated, secret

    async def reseal(self) -> Resealed:
        """
        Seal all secrets with the current key, so that an old one is needed no more.

        Each account is done by itself. What breaks off, or meets a process that still seals with
        the old key, can be run again.
        """
        changed: list[bool] = []
        locked: list[Webhook] = []
        for account in await self.store.accounts():
            for webhook in await self.store.webhooks(account.id):
                try:
                    changed.append(await self._reseal(webhook))
                except VaultLocked:
                    locked.append(webhook)
        return Resealed(resealed=changed.count(True), unchanged=changed.count(False), locked=locked)

    async def test(self, account_id: AccountId, *, key_prefix: KeyPrefix | None = None) -> Delivery:
        """
        Send a ``webhook.test`` event now, once, and say how that went.

        Raises:
            WebhookNotFound: No address is set.
        """
        delivery = await self._write_test(account_id, key_prefix)
        return await self.deliver(delivery)

    async def deliveries(self, account_id: AccountId, *, limit: int = 100) -> Sequence[Delivery]:
        """An account's newest deliveries, each with its failed tries."""
        return await self.store.deliveries(account_id, limit=limit)

    async def resend(self, delivery_id: DeliveryId) -> Delivery:
        """Put a delivery back at the start of its schedule; raises `DeliveryNotFound`."""
        found = await self.store.find_delivery(delivery_id)
        if found is None:
            raise DeliveryNotFound(delivery_id)
        return await self._resend(found)

    async def deliver(self, delivery: Delivery) -> Delivery:
        """
        Try a delivery that the caller has claimed, once, and save how that went.

        One whose host has too many tries under way is let go: nothing is saved, and it comes due
        again when its lease is over.
        """
        webhook = await self.store.webhook(delivery.account_id, delivery.key_prefix)
        if webhook is None or webhook.stopped_at is not None:
            return await self._save_try(delivery, NotAnswered("no address is set any more"), None)
        async with self._hosts.place(urlsplit(webhook.url).hostname or "") as placed:
            if placed and self._has_time(delivery):
                return await self._try(delivery, webhook)
        return delivery

    def _entry(self, webhook: Webhook, action: Action, by: str | None = None) -> TrailEntry:
        # Only whose address it is: there may be a secret in the rest.
        parts = urlsplit(webhook.url)
        detail = f"{parts.scheme}://{parts.netloc}"
        subject = webhook.key_prefix or ""
        return self.trail.entry(webhook.account_id, action, subject, detail, by=by)

    def _has_time(self, delivery: Delivery) -> bool:
        """Whether so much of the lease is left that nobody else can begin the same try."""
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

    @repeatable
    async def _write_test(self, account_id: AccountId, key_prefix: KeyPrefix | None) -> Delivery:
        now = self.clock.now()
        body = {"event": TEST_EVENT, "sentAt": instant(now)}
        async with self.store.transaction(account_id) as tx:
            if await tx.webhook(key_prefix) is None:
                raise WebhookNotFound
            # Due only after a lease: whoever asked for the test makes the first try.
            delivery = self.outbox.event(
                account_id, key_prefix, body, rental_id=None, due_at=now + self.terms.lease
            )
            tx.save(delivery)
        return delivery

    @repeatable
    async def _reseal(self, found: Webhook) -> bool:
        """Tell whether that changed anything; raises `VaultLocked`."""
        async with self.store.transaction(found.account_id) as tx:
            webhook = await tx.webhook(found.key_prefix)
            if webhook is None:
                return False
            resealed = webhook.reseal(self.vault.reseal, self.clock.now())
            if resealed == webhook:
                return False
            tx.save(resealed, self._entry(resealed, Action.WEBHOOK_RESEALED))
        return True

    @repeatable
    async def _resend(self, found: Delivery) -> Delivery:
        async with self.store.transaction(found.account_id) as tx:
            delivery = await tx.delivery(found.id)
            if delivery is None:
                raise DeliveryNotFound(found.id)
            again = delivery.resend(self.clock.now())
            tx.save(again, self.trail.entry(again.account_id, Action.DELIVERY_RESENT, again.id))
        self.notices.tell(WORK)
        return again

    @repeatable
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
                stopped = self._entry(current, Action.WEBHOOK_STOPPED, by=WORKER)
                tx.save(current.stop(now), stopped)
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
