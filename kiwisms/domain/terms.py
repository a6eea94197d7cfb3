"""The operator's settings: prices, limits and timing."""

from datetime import timedelta

from attrs import field, frozen

from kiwisms.domain.pace import Pace


@frozen(kw_only=True)
class Terms:
    """
    The operator's terms, the same for all customers.

    Attributes:
        markup_percent: Whole percent on top of upstream's price.
        max_active_rentals: Numbers that one account may have at once.
        provider_max_waiting: Numbers that may wait for a code upstream at once, of all accounts.
        cancels_per_hour: Cancels without a code that an account may make in an hour; 0 is no limit.
        pace: The timing of a rental.
        lease: How long a worker may take for one piece of work before another takes it over.
        keep_days: Days for which ended records are kept that no money depends on; ``None`` is for
            ever.
    """

    markup_percent: int = 30
    max_active_rentals: int = 20
    provider_max_waiting: int = 20
    cancels_per_hour: int = 60
    pace: Pace = field(factory=Pace)
    lease: timedelta = timedelta(seconds=50)
    keep_days: int | None = None
