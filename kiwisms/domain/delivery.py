"""Webhooks: where events go, how they are signed, and when a failed try is repeated."""

import base64
import hmac
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from enum import StrEnum
from hashlib import sha256
from types import MappingProxyType
from typing import Final, Self
from urllib.parse import urlsplit

from attrs import evolve, field, frozen

from kiwisms.domain.errors import KiwismsError, ValidationRefused
from kiwisms.domain.events import UNLESS_ASKED, WebhookEvent
from kiwisms.domain.ids import AccountId, DeliveryId, KeyPrefix, RentalId
from kiwisms.domain.money import ZERO, Money

SECRET_PREFIX: Final = "whsec_"
LONGEST_URL: Final = 2048
ROTATION: Final = timedelta(hours=24)
"""How long a replaced secret still signs beside its successor."""
PAUSES: Final = (
    timedelta(seconds=5),
    timedelta(seconds=30),
    timedelta(minutes=2),
    timedelta(minutes=10),
    timedelta(hours=1),
    timedelta(hours=6),
    timedelta(hours=24),
)
"""Pauses between tries; after the last of them one more try is the last."""
MOST_FAILURES: Final = len(PAUSES) + 1
"""As many failed tries are remembered as one whole schedule has; older ones are forgotten."""
TEST_EVENT: Final = "webhook.test"
"""Tried once, whenever it is sent: somebody waits to see how that went."""
JITTER: Final = 0.2
GONE: Final = 410
"""The status with which a receiver asks never to be called again (RFC 9110, 15.5.11)."""


class DeliveryStatus(StrEnum):
    """Where a delivery stands."""

    PENDING = "PENDING"
    DELIVERED = "DELIVERED"
    GIVEN_UP = "GIVEN_UP"


class DeliveryEvent(StrEnum):
    """What can happen to a delivery."""

    ACCEPT = "ACCEPT"
    RETRY = "RETRY"
    GIVE_UP = "GIVE_UP"
    RESEND = "RESEND"


TRANSITIONS: Final[Mapping[tuple[DeliveryStatus, DeliveryEvent], DeliveryStatus]] = (
    MappingProxyType(
        {
            (DeliveryStatus.PENDING, DeliveryEvent.ACCEPT): DeliveryStatus.DELIVERED,
            (DeliveryStatus.PENDING, DeliveryEvent.RETRY): DeliveryStatus.PENDING,
            (DeliveryStatus.PENDING, DeliveryEvent.GIVE_UP): DeliveryStatus.GIVEN_UP,
            (DeliveryStatus.PENDING, DeliveryEvent.RESEND): DeliveryStatus.PENDING,
            (DeliveryStatus.DELIVERED, DeliveryEvent.RESEND): DeliveryStatus.PENDING,
            (DeliveryStatus.GIVEN_UP, DeliveryEvent.RESEND): DeliveryStatus.PENDING,
        }
    )
)


class WebhookNotFound(KiwismsError):
    """No webhook address is set here."""

    code = "WEBHOOK_NOT_FOUND"

    def __init__(self) -> None:
        super().__init__("no webhook address is set")


class DeliveryNotFound(KiwismsError):
    """No delivery has this id."""

    code = "DELIVERY_NOT_FOUND"

    def __init__(self, delivery_id: str) -> None:
        super().__init__(f"no delivery {delivery_id!r}")


@frozen(kw_only=True)
class Webhook:
    """
    Where an account's events go; one with a *key_prefix* goes first for what that key rented.

    The secrets are sealed: only `ports.vault.Vault` can open them. *low* is the amount of
    ``wallet.low``, which goes to an account's own address alone.
    """

    account_id: AccountId
    key_prefix: KeyPrefix | None = None
    url: str
    events: frozenset[WebhookEvent] = UNLESS_ASKED
    low: Money | None = None
    sealed_secret: str = field(repr=False)
    sealed_old_secret: str | None = field(default=None, repr=False)
    rotated_at: datetime | None = None
    stopped_at: datetime | None = None

    def ask_for(self, events: frozenset[WebhookEvent] | None, low: Money | None) -> Self:
        """
        Take the events that are to be sent, and the amount of ``wallet.low``.

        ``None`` leaves what was asked for before.

        Raises:
            ValidationRefused: ``wallet.low`` has no amount, or is asked for at a key's address;
                or there is an amount without ``wallet.low``.
        """
        events = self.events if events is None else events
        if WebhookEvent.WALLET_LOW not in events:
            if low is not None:
                raise ValidationRefused("low", "goes with the event wallet.low")
            return evolve(self, events=events, low=None)
        if self.key_prefix is not None:
            why = "wallet.low goes to the account's own address, as its keys share one wallet"
            raise ValidationRefused("events", why)
        low = self.low if low is None else low
        if low is None:
            raise ValidationRefused("low", "must say below which amount wallet.low is sent")
        if low <= ZERO or not low.is_whole_cents:
            raise ValidationRefused("low", "must be more than 0 and in whole cents")
        return evolve(self, events=events, low=low)

    def hears(self, event: str) -> bool:
        """Whether *event* is to be sent there."""
        return self.stopped_at is None and event in self.events

    def rotate(self, sealed_secret: str, at: datetime) -> Self:
        """Take a new secret; the old one goes on signing for a day."""
        return evolve(
            self,
            sealed_secret=sealed_secret,
            sealed_old_secret=self.sealed_secret,
            rotated_at=at,
        )

    def reseal(self, reseal: Callable[[str], str], now: datetime) -> Self:
        """Have the secrets sealed anew; an old one that does not sign any more is forgotten."""
        sealed, *old = map(reseal, self.signing(now))
        return evolve(self, sealed_secret=sealed, sealed_old_secret=old[0] if old else None)

    def stop(self, at: datetime) -> Self:
        """Never call the address again; setting it anew begins afresh."""
        return evolve(self, stopped_at=at)

    def signing(self, now: datetime) -> tuple[str, ...]:
        """The sealed secrets that sign now, the current one first."""
        if (
            self.sealed_old_secret is None
            or self.rotated_at is None
            or now >= self.rotated_at + ROTATION
        ):
            return (self.sealed_secret,)
        return (self.sealed_secret, self.sealed_old_secret)


@frozen(kw_only=True)
class FailedTry:
    """When a try failed, and why."""

    at: datetime
    error: str


@frozen(kw_only=True)
class Delivery:
    """
    One event on its way to one address.

    *attempts* counts the tries made, *failures* are the newest that failed, and *last_error* is
    why the last try did, if it did.
    """

    id: DeliveryId
    account_id: AccountId
    key_prefix: KeyPrefix | None = None
    event: str
    rental_id: RentalId | None
    body: str = field(repr=False)
    status: DeliveryStatus = DeliveryStatus.PENDING
    attempts: int = 0
    tries_left: int = field()
    last_error: str | None = None
    failures: tuple[FailedTry, ...] = ()
    created_at: datetime
    due_at: datetime | None

    @tries_left.default
    def _whole_schedule(self) -> int:
        return 0 if self.event == TEST_EVENT else len(PAUSES)

    def accepted(self) -> Self:
        """The receiver answered 2xx."""
        return evolve(
            self,
            status=self._next(DeliveryEvent.ACCEPT),
            attempts=self.attempts + 1,
            last_error=None,
            due_at=None,
        )

    def failed(self, error: str, at: datetime) -> Self:
        """A try failed: come back after a pause, or give up after the last one."""
        if self.tries_left == 0:
            return self.given_up(error, at)
        pause = PAUSES[len(PAUSES) - self.tries_left]
        return evolve(
            self,
            status=self._next(DeliveryEvent.RETRY),
            attempts=self.attempts + 1,
            tries_left=self.tries_left - 1,
            last_error=error,
            failures=self._failures(error, at),
            due_at=at + pause * spread(self.id, self.attempts),
        )

    def given_up(self, error: str, at: datetime) -> Self:
        """No further try will be made unless somebody asks for it."""
        return evolve(
            self,
            status=self._next(DeliveryEvent.GIVE_UP),
            attempts=self.attempts + 1,
            last_error=error,
            failures=self._failures(error, at),
            due_at=None,
        )

    def resend(self, at: datetime) -> Self:
        """Try again now, with the whole schedule ahead."""
        status, tries_left = self._next(DeliveryEvent.RESEND), self._whole_schedule()
        return evolve(self, status=status, tries_left=tries_left, due_at=at)

    def _failures(self, error: str, at: datetime) -> tuple[FailedTry, ...]:
        return (*self.failures, FailedTry(at=at, error=error))[-MOST_FAILURES:]

    def _next(self, event: DeliveryEvent) -> DeliveryStatus:
        try:
            return TRANSITIONS[self.status, event]
        except KeyError:
            raise ValueError(f"{event} of a delivery that is {self.status}") from None


def spread(delivery_id: DeliveryId, attempt: int) -> float:
    """
    A factor from 0.8 to 1.2, so that failed deliveries do not come back all at once.

    Derived from the delivery and not from chance: the schedule of a delivery is a fact.
    """
    digest = sha256(f"{delivery_id}:{attempt}".encode()).digest()
    return 1 - JITTER + 2 * JITTER * int.from_bytes(digest[:8]) / 2**64


def new_secret(chance: bytes) -> str:
    """Write a webhook secret: ``whsec_`` and base64, as Standard Webhooks asks."""
    return SECRET_PREFIX + base64.b64encode(chance).decode("ascii")


def sign(
    body: bytes, *, delivery_id: DeliveryId, at: datetime, secrets: tuple[str, ...]
) -> dict[str, str]:
    """
    Make the signature headers of one try.

    Args:
        body: The raw body as it is sent.
        delivery_id: The event's id, the same on every try.
        at: The moment of this try.
        secrets: ``whsec_…`` as shown to the customer, the current one first.

    Source: interface, "Webhooks"; Standard Webhooks specification 1.0.
    """
    timestamp = str(int(at.timestamp()))
    signed = f"{delivery_id}.{timestamp}.".encode() + body
    return {
        "X-Webhook-Signature": hmac.new(secrets[0].encode(), body, sha256).hexdigest(),
        "webhook-id": delivery_id,
        "webhook-timestamp": timestamp,
        "webhook-signature": " ".join(_standard_signature(signed, each) for each in secrets),
    }


def check_url(url: str) -> str:
    """
    Check the form of a webhook address; whether it may be connected to is seen at each try.

    Raises:
        ValidationRefused: It is not an http(s) address with a host and without user info.
    """
    printable = url.isprintable() and " " not in url
    try:
        parts = urlsplit(url)
        usable = parts.scheme in {"http", "https"} and parts.hostname and parts.port != 0
    except ValueError:
        usable = False
    if not url.isascii():
        raise ValidationRefused("url", "must be ASCII: write a name as xn--…, and the rest as %…")
    if len(url) > LONGEST_URL:
        raise ValidationRefused("url", f"must have at most {LONGEST_URL} characters")
    if not usable or not printable:
        raise ValidationRefused("url", "must be an http:// or https:// address")
    if "@" in urlsplit(url).netloc:
        raise ValidationRefused("url", "must not hold a user name or password")
    return url


def _standard_signature(signed: bytes, secret: str) -> str:
    key = base64.b64decode(secret.removeprefix(SECRET_PREFIX))
    return "v1," + base64.b64encode(hmac.new(key, signed, sha256).digest()).decode("ascii")
