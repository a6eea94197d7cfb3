"""The delivery of an event to an address: when a failed try is retried, and when given up."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from enum import StrEnum
from hashlib import sha256
from types import MappingProxyType
from typing import Final, Self

from attrs import evolve, field, frozen

from kiwisms.domain.errors import KiwismsError
from kiwisms.domain.ids import AccountId, DeliveryId, KeyPrefix, RentalId
from kiwisms.domain.transitions import next_state

RETRY_DELAYS: Final = (
    timedelta(seconds=5),
    timedelta(seconds=30),
    timedelta(minutes=2),
    timedelta(minutes=10),
    timedelta(hours=1),
    timedelta(hours=6),
    timedelta(hours=24),
)
"""The backoff between tries; the last try follows the last delay."""
MAX_FAILURES: Final = len(RETRY_DELAYS) + 1
"""How many failed tries are kept: those of one whole schedule. Older ones are dropped."""
TEST_EVENT: Final = "webhook.test"
"""Tried once and not retried: the caller waits for the result."""
JITTER: Final = 0.2
GONE: Final = 410
"""The HTTP status with which a receiver asks for no further events (RFC 9110, 15.5.11)."""


class DeliveryStatus(StrEnum):
    """The status of a delivery."""

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


class DeliveryNotFound(KiwismsError):
    """No delivery has this id."""

    code = "DELIVERY_NOT_FOUND"

    def __init__(self, delivery_id: str) -> None:
        super().__init__(f"no delivery {delivery_id!r}")
        self.delivery_id = delivery_id


@frozen(kw_only=True)
class FailedTry:
    """When a try failed, and why."""

    at: datetime
    error: str


@frozen(kw_only=True)
class Delivery:
    """
    The delivery of one event to one address.

    *attempts* counts the tries, *failures* are the newest failed ones, and *last_error* is the
    error of the last try, if it failed.
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
        return 0 if self.event == TEST_EVENT else len(RETRY_DELAYS)

    def accepted(self) -> Self:
        """Record that the receiver answered 2xx."""
        return evolve(
            self,
            status=self._next(DeliveryEvent.ACCEPT),
            attempts=self.attempts + 1,
            last_error=None,
            due_at=None,
        )

    def failed(self, error: str, at: datetime) -> Self:
        """Record a failed try: retry after a delay, or give up after the last try."""
        if self.tries_left == 0:
            return self.given_up(error, at)
        delay = RETRY_DELAYS[len(RETRY_DELAYS) - self.tries_left]
        return evolve(
            self,
            status=self._next(DeliveryEvent.RETRY),
            attempts=self.attempts + 1,
            tries_left=self.tries_left - 1,
            last_error=error,
            failures=self._failures(error, at),
            due_at=at + delay * jitter(self.id, self.attempts),
        )

    def given_up(self, error: str, at: datetime) -> Self:
        """Record a failed try and make no further one, unless `resend` is called."""
        return evolve(
            self,
            status=self._next(DeliveryEvent.GIVE_UP),
            attempts=self.attempts + 1,
            last_error=error,
            failures=self._failures(error, at),
            due_at=None,
        )

    def resend(self, at: datetime) -> Self:
        """Make it due now, with the whole retry schedule ahead."""
        status, tries_left = self._next(DeliveryEvent.RESEND), self._whole_schedule()
        return evolve(self, status=status, tries_left=tries_left, due_at=at)

    def _failures(self, error: str, at: datetime) -> tuple[FailedTry, ...]:
        return (*self.failures, FailedTry(at=at, error=error))[-MAX_FAILURES:]

    def _next(self, event: DeliveryEvent) -> DeliveryStatus:
        return next_state(TRANSITIONS, self.status, event)


def jitter(delivery_id: DeliveryId, attempt: int) -> float:
    """
    A factor from 0.8 to 1.2, so that failed deliveries are not all retried at once.

    It is derived from the delivery and not random, so the schedule of a delivery is fixed.
    """
    digest = sha256(f"{delivery_id}:{attempt}".encode()).digest()
    return 1 - JITTER + 2 * JITTER * int.from_bytes(digest[:8]) / 2**64
