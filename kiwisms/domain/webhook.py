"""Where an account's events go, and the secrets that sign them."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Final, Self

from attrs import evolve, field, frozen

from kiwisms.domain.errors import KiwismsError, ValidationRefused
from kiwisms.domain.events import DEFAULT_EVENTS, WebhookEvent
from kiwisms.domain.ids import AccountId, KeyPrefix
from kiwisms.domain.money import Money
from kiwisms.domain.text import is_web_address, must_be_text

LONGEST_URL: Final = 2048
ROTATION: Final = timedelta(hours=24)
"""How long a replaced secret still signs beside its successor."""


class WebhookNotFound(KiwismsError):
    """No webhook address is set for this account or key."""

    code = "WEBHOOK_NOT_FOUND"

    def __init__(self) -> None:
        super().__init__("no webhook address is set")


@frozen(kw_only=True)
class Webhook:
    """
    Where an account's events go.

    An address with a *key_prefix* takes precedence for what that key rented. The secrets are
    sealed: only `ports.vault.Vault` can open them. *low* is the threshold of ``wallet.low``, which
    is sent to an account's own address only.
    """

    account_id: AccountId
    key_prefix: KeyPrefix | None = None
    url: str
    events: frozenset[WebhookEvent] = DEFAULT_EVENTS
    low: Money | None = None
    sealed_secret: str = field(repr=False)
    sealed_old_secret: str | None = field(default=None, repr=False)
    rotated_at: datetime | None = None
    stopped_at: datetime | None = None

    def subscribe(self, events: frozenset[WebhookEvent] | None, low: Money | None) -> Self:
        """
        Set the events to send, and the threshold of ``wallet.low``.

        ``None`` keeps the previous choice.

        Raises:
            ValidationRefused: ``wallet.low`` has no amount, or is for a key's address; or there
                is an amount without ``wallet.low``.
        """
        events = self.events if events is None else events
        if WebhookEvent.WALLET_LOW not in events:
            if low is not None:
                raise ValidationRefused("low", "is only allowed with the event wallet.low")
            return evolve(self, events=events, low=None)
        if self.key_prefix is not None:
            why = "wallet.low goes to the account's own address, as its keys share one wallet"
            raise ValidationRefused("events", why)
        low = self.low if low is None else low
        if low is None:
            raise ValidationRefused("low", "must say below which amount wallet.low is sent")
        low.must_be_payable("low")
        return evolve(self, events=events, low=low)

    def move_to(self, url: str) -> Self:
        """Send to *url* from now on; a stopped address is started again."""
        return evolve(self, url=url, stopped_at=None)

    def receives(self, event: str) -> bool:
        """Whether *event* is sent to this address."""
        return self.stopped_at is None and event in self.events

    def rotate(self, sealed_secret: str, at: datetime) -> Self:
        """Sign with a new secret; the old one also signs for a day."""
        return evolve(
            self,
            sealed_secret=sealed_secret,
            sealed_old_secret=self.sealed_secret,
            rotated_at=at,
        )

    def reseal(self, reseal: Callable[[str], str], now: datetime) -> Self:
        """Seal the secrets again; an old one that no longer signs is dropped."""
        sealed, *old = map(reseal, self.signing(now))
        return evolve(self, sealed_secret=sealed, sealed_old_secret=old[0] if old else None)

    def stop(self, at: datetime) -> Self:
        """Send nothing to the address until it is set again."""
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


def check_url(url: str) -> str:
    """
    Check the form of a webhook address; whether it may be connected to is checked at each try.

    Raises:
        ValidationRefused: It is not an http(s) address with a host and without user info.
    """
    must_be_text("url", url)
    if not url.isascii():
        raise ValidationRefused("url", "must be ASCII: write a name as xn--…, and the rest as %…")
    if len(url) > LONGEST_URL:
        raise ValidationRefused("url", f"must have at most {LONGEST_URL} characters")
    if not is_web_address(url):
        why = "must be an http:// or https:// address without a user name"
        raise ValidationRefused("url", why)
    return url
