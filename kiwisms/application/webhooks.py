"""Webhook addresses: set, show, rotate, test and clear them; list deliveries, and resend one."""

from collections.abc import Collection, Sequence

from attrs import frozen

from kiwisms.application.delivering import Delivering
from kiwisms.application.lists import of_account
from kiwisms.application.outbox import WORK, Outbox
from kiwisms.application.retry import retry_on_conflict
from kiwisms.application.trail import Trail
from kiwisms.domain.api_key import ApiKeyNotFound
from kiwisms.domain.delivery import Delivery, DeliveryNotFound
from kiwisms.domain.events import address_test, parse_events
from kiwisms.domain.ids import AccountId, DeliveryId, KeyPrefix
from kiwisms.domain.money import Amount, Money
from kiwisms.domain.signature import new_secret
from kiwisms.domain.terms import Terms
from kiwisms.domain.trail import Action
from kiwisms.domain.webhook import Webhook, WebhookNotFound, check_url
from kiwisms.ports.clock import Clock
from kiwisms.ports.ids import Ids
from kiwisms.ports.notices import Notices
from kiwisms.ports.store import Store
from kiwisms.ports.vault import Vault, VaultLocked
from kiwisms.ports.webhooks import AddressChecker


@frozen(kw_only=True)
class Resealed:
    """
    How many addresses had their secrets sealed again, and how many did not need it.

    The secrets of the *locked* addresses were sealed with a key that is not known here.
    """

    resealed: int
    unchanged: int
    locked: Sequence[Webhook]


@frozen(kw_only=True, eq=False)
class Webhooks:
    """The use cases about webhooks. An API key's address takes precedence over its account's."""

    store: Store
    vault: Vault
    outbox: Outbox
    delivering: Delivering
    clock: Clock
    ids: Ids
    notices: Notices
    terms: Terms
    trail: Trail

    @retry_on_conflict
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
            account_id: The account of the events.
            url: An http(s) address without user info. Its name is resolved at each try;
                `test` shows whether an event arrives.
            key_prefix: Send only events of what this API key rented.
            events: The names of the events to send, such as ``"sms.received,rental.expired"``;
                by default those sent there before, or else ``sms.received``.
            low: Dollars; ``wallet.low`` is sent when less becomes available. By default as before.

        Returns:
            The address, and the secret ``whsec_…`` that signs. An address that is only changed
            keeps its secret.

        Raises:
            ValidationRefused: The address, an event or the amount cannot be used; the address
                also if the sender would never send there.
            ApiKeyNotFound: The account has no such key.
        """
        check_url(url)
        if isinstance(self.delivering.sender, AddressChecker):
            self.delivering.sender.must_accept(url)
        asked = None if events is None else parse_events(events)
        below = None if low is None else Money.parse(low, name="low")
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
            webhook = webhook.subscribe(asked, below)
            tx.save(webhook, self.trail.entry_of_webhook(webhook, Action.WEBHOOK_SET))
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
        """Every address of an account, its own first; raises `AccountNotFound`."""
        return await of_account(self.store, account_id, await self.store.webhooks(account_id))

    @retry_on_conflict
    async def clear(self, account_id: AccountId, *, key_prefix: KeyPrefix | None = None) -> Webhook:
        """Send no more events there; raises `WebhookNotFound`."""
        async with self.store.transaction(account_id) as tx:
            webhook = await tx.webhook(key_prefix)
            if webhook is None:
                raise WebhookNotFound
            tx.remove(webhook)
            tx.save(self.trail.entry_of_webhook(webhook, Action.WEBHOOK_CLEARED))
        return webhook

    @retry_on_conflict
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
            tx.save(rotated, self.trail.entry_of_webhook(rotated, Action.WEBHOOK_ROTATED))
        return rotated, secret

    async def reseal(self) -> Resealed:
        """
        Seal all secrets with the current key, so that an old key is no longer needed.

        Each account has a transaction of its own. Run it again after an interruption, or if
        another process still sealed with the old key meanwhile.
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
        Send a ``webhook.test`` event now, once, and return the delivery with its result.

        Raises:
            WebhookNotFound: No address is set.
        """
        delivery = await self._write_test(account_id, key_prefix)
        return await self.delivering.deliver(delivery)

    async def deliveries(self, account_id: AccountId, *, limit: int = 100) -> Sequence[Delivery]:
        """An account's newest deliveries, with their failed tries; raises `AccountNotFound`."""
        found = await self.store.deliveries(account_id, limit=limit)
        return await of_account(self.store, account_id, found)

    async def resend(self, delivery_id: DeliveryId) -> Delivery:
        """Put a delivery back at the start of its schedule; raises `DeliveryNotFound`."""
        found = await self.store.find_delivery(delivery_id)
        if found is None:
            raise DeliveryNotFound(delivery_id)
        return await self._resend(found)

    @retry_on_conflict
    async def _write_test(self, account_id: AccountId, key_prefix: KeyPrefix | None) -> Delivery:
        now = self.clock.now()
        async with self.store.transaction(account_id) as tx:
            if await tx.webhook(key_prefix) is None:
                raise WebhookNotFound
            # Due only after a lease, as the caller makes the first try.
            due_at = now + self.terms.lease
            delivery = self.outbox.delivery(
                account_id, key_prefix, address_test(now), due_at=due_at
            )
            tx.save(delivery)
        return delivery

    @retry_on_conflict
    async def _reseal(self, found: Webhook) -> bool:
        """Seal one address again; returns whether that changed it, raises `VaultLocked`."""
        async with self.store.transaction(found.account_id) as tx:
            webhook = await tx.webhook(found.key_prefix)
            if webhook is None:
                return False
            resealed = webhook.reseal(self.vault.reseal, self.clock.now())
            if resealed == webhook:
                return False
            tx.save(resealed, self.trail.entry_of_webhook(resealed, Action.WEBHOOK_RESEALED))
        return True

    @retry_on_conflict
    async def _resend(self, found: Delivery) -> Delivery:
        async with self.store.transaction(found.account_id) as tx:
            delivery = await tx.delivery(found.id)
            if delivery is None:
                raise DeliveryNotFound(found.id)
            again = delivery.resend(self.clock.now())
            tx.save(again, self.trail.entry(again.account_id, Action.DELIVERY_RESENT, again.id))
        self.notices.notify(WORK)
        return again
