"""Commands about webhook addresses and what was sent to them."""

from collections.abc import Sequence
from datetime import datetime

import click
from attrs import field, frozen

from kiwisms.domain.account import Account
from kiwisms.domain.delivery import Delivery, DeliveryStatus, FailedTry
from kiwisms.domain.events import WebhookEvent
from kiwisms.domain.ids import DeliveryId, KeyPrefix
from kiwisms.domain.money import Money
from kiwisms.domain.webhook import Webhook
from kiwisms.entrypoints.cli.amounts import PAYABLE
from kiwisms.entrypoints.cli.options import Group, limit
from kiwisms.entrypoints.cli.output import Failed
from kiwisms.entrypoints.cli.run import with_account, with_store
from kiwisms.entrypoints.engine import Kiwisms


@frozen
class WebhookView:
    """A webhook address as it is printed, with the secret that signs."""

    account_id: str
    key_prefix: str | None
    url: str
    events: list[str]
    low: Money | None
    secret: str = field(repr=False)
    rotated_at: datetime | None
    stopped_at: datetime | None


@frozen
class AddressView:
    """A webhook address as it is printed without its secret."""

    account_id: str
    key_prefix: str | None
    url: str


@frozen
class ResealedView:
    """The result of `reseal` as it is printed."""

    resealed: int
    unchanged: int
    locked: Sequence[AddressView]


@frozen
class DeliveryView:
    """A delivery as it is printed."""

    id: str
    event: str
    rental_id: str | None
    status: str
    attempts: int
    last_error: str | None
    key_prefix: str | None
    created_at: datetime
    due_at: datetime | None
    failures: list[FailedTry]


def _webhook(webhook: Webhook, secret: str) -> WebhookView:
    return WebhookView(
        account_id=webhook.account_id,
        key_prefix=webhook.key_prefix,
        url=webhook.url,
        events=[event for event in WebhookEvent if event in webhook.events],
        low=webhook.low,
        secret=secret,
        rotated_at=webhook.rotated_at,
        stopped_at=webhook.stopped_at,
    )


def _address(webhook: Webhook) -> AddressView:
    return AddressView(
        account_id=webhook.account_id, key_prefix=webhook.key_prefix, url=webhook.url
    )


def _delivery(delivery: Delivery) -> DeliveryView:
    return DeliveryView(
        id=delivery.id,
        event=delivery.event,
        rental_id=delivery.rental_id,
        status=delivery.status,
        attempts=delivery.attempts,
        last_error=delivery.last_error,
        key_prefix=delivery.key_prefix,
        created_at=delivery.created_at,
        due_at=delivery.due_at,
        failures=list(delivery.failures),
    )


@click.group(cls=Group)
def webhooks() -> None:
    """Set and test webhook addresses, list deliveries, and send events again."""


_key = click.option(
    "--key",
    metavar="PREFIX",
    help="The address of this API key alone; `keys list` shows the prefixes.",
)


@webhooks.command("set")
@click.argument("account")
@click.argument("url")
@_key
@click.option(
    "--events",
    metavar="NAMES",
    help="Such as sms.received,rental.expired; by default sms.received.",
)
@click.option(
    "--low",
    type=PAYABLE,
    help="Send wallet.low when less than AMOUNT dollars are left, such as 5.00.",
)
@with_account
async def set_address(
    kiwi: Kiwisms,
    account: Account,
    url: str,
    *,
    key: str | None,
    events: str | None,
    low: Money | None,
) -> WebhookView:
    """
    Send an account's events to URL from now on.

    ACCOUNT is an id or an email, and URL an address such as https://ada.example.com/hook. The
    events are sms.received, rental.expired, rental.cancelled, rental.completed and wallet.low. An
    address that is set again keeps its secret, and its events unless you name others.

    Only public addresses are called, unless KIWISMS_WEBHOOK_ALLOW_PRIVATE is 1. A host name is
    looked up at each try: run `webhooks test` to see whether URL can be reached.
    """
    webhook, secret = await kiwi.webhooks.set(
        account.id, url, key_prefix=_prefix(key), events=events, low=low
    )
    return _webhook(webhook, secret)


@webhooks.command("show")
@click.argument("account")
@_key
@with_account
async def show_address(kiwi: Kiwisms, account: Account, key: str | None) -> WebhookView:
    """Show a webhook address and its secret. ACCOUNT is an id or an email."""
    return _webhook(*await kiwi.webhooks.show(account.id, key_prefix=_prefix(key)))


@webhooks.command()
@click.argument("account")
@_key
@with_account
async def clear(kiwi: Kiwisms, account: Account, key: str | None) -> AddressView:
    """Remove a webhook address. ACCOUNT is an id or an email."""
    return _address(await kiwi.webhooks.clear(account.id, key_prefix=_prefix(key)))


@webhooks.command()
@click.argument("account")
@_key
@with_account
async def rotate(kiwi: Kiwisms, account: Account, key: str | None) -> WebhookView:
    """Make a new secret; for a day the old one signs too. ACCOUNT is an id or an email."""
    return _webhook(*await kiwi.webhooks.rotate(account.id, key_prefix=_prefix(key)))


@webhooks.command()
@with_store
async def reseal(kiwi: Kiwisms) -> ResealedView | Failed:
    """
    Encrypt all webhook secrets with the current key.

    After that the old key can be removed. Fails when there are secrets that neither key can
    decrypt. It is safe to run this twice, and beside a server that has both keys.
    """
    found = await kiwi.webhooks.reseal()
    view = ResealedView(
        resealed=found.resealed,
        unchanged=found.unchanged,
        locked=[_address(each) for each in found.locked],
    )
    if not found.locked:
        return view
    count = len(found.locked)
    return Failed(
        view,
        f"the secrets of {count} {'address' if count == 1 else 'addresses'} are encrypted with"
        " another key: set that key as KIWISMS_OLD_SECRET_KEY, or clear and set them again",
    )


@webhooks.command()
@click.argument("account")
@_key
@with_account
async def test(kiwi: Kiwisms, account: Account, key: str | None) -> DeliveryView | Failed:
    """Send a test event now; fails if it does not arrive. ACCOUNT is an id or an email."""
    delivery = await kiwi.webhooks.test(account.id, key_prefix=_prefix(key))
    view = _delivery(delivery)
    if delivery.status is DeliveryStatus.DELIVERED:
        return view
    return Failed(view, f"the test event did not arrive: {delivery.last_error}")


@webhooks.command()
@click.argument("account")
@limit
@with_account
async def deliveries(kiwi: Kiwisms, account: Account, limit: int) -> list[DeliveryView]:
    """List the newest deliveries; --json adds failed tries. ACCOUNT is an id or an email."""
    return [_delivery(each) for each in await kiwi.webhooks.deliveries(account.id, limit=limit)]


@webhooks.command()
@click.argument("delivery")
@with_store
async def resend(kiwi: Kiwisms, delivery: str) -> DeliveryView:
    """Have the server send an event again. DELIVERY is its id from `webhooks deliveries`."""
    return _delivery(await kiwi.webhooks.resend(DeliveryId(delivery)))


def _prefix(key: str | None) -> KeyPrefix | None:
    return None if key is None else KeyPrefix(key)
