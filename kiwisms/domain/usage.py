"""How much of its limits an account uses, and whether it may rent one more number."""

from datetime import datetime, timedelta
from typing import Final

from attrs import frozen

from kiwisms.domain.errors import KiwismsError, RateLimited
from kiwisms.domain.terms import Terms

CANCEL_WINDOW: Final = timedelta(hours=1)
"""The time over which cancels are counted."""


class TooManyActiveRentals(KiwismsError):
    """The account already has its maximum of active rentals."""

    code = "TOO_MANY_ACTIVE_RENTALS"

    def __init__(self, most: int) -> None:
        super().__init__(f"Too many active rentals (at most {most})")
        self.most = most


@frozen(kw_only=True)
class UsageQuery:
    """
    What to count.

    Attributes:
        now: The moment at which rentals must be active to count.
        since: The moment from which cancels are counted.
        max_cancels: How many of them are allowed; at least 1.
    """

    now: datetime
    since: datetime
    max_cancels: int


@frozen(kw_only=True)
class Usage:
    """
    How much of its limits an account uses.

    Attributes:
        active: Its requested and its active rentals.
        nth_cancel: When the *max_cancels*-th newest of its cancels was; ``None`` when there were
            fewer since *since*. A number that upstream took back by itself does not count.
    """

    active: int
    nth_cancel: datetime | None


def usage_query(terms: Terms, now: datetime) -> UsageQuery:
    """Make the query of what must be counted before an account rents."""
    return UsageQuery(
        now=now, since=now - CANCEL_WINDOW, max_cancels=max(terms.cancels_per_hour, 1)
    )


def must_have_room(usage: Usage, terms: Terms, now: datetime) -> None:
    """
    Check whether an account may rent one more number.

    Raises:
        TooManyActiveRentals: It already has its maximum of active rentals.
        RateLimited: It has made its maximum of cancels within an hour.

    Source: settings, ``KIWISMS_MAX_ACTIVE_RENTALS`` and ``KIWISMS_CANCELS_PER_HOUR``.
    """
    if usage.active >= terms.max_active_rentals:
        raise TooManyActiveRentals(terms.max_active_rentals)
    if terms.cancels_per_hour > 0 and usage.nth_cancel is not None:
        wait = usage.nth_cancel + CANCEL_WINDOW - now
        why = "Too many rentals were cancelled without a code"
        raise RateLimited(int(wait.total_seconds()) + 1, why)
