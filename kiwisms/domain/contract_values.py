"""How amounts and moments are written in JSON, as the contract says."""

from datetime import datetime
from functools import lru_cache

from kiwisms.domain.money import MICROS_PER_DOLLAR, Money


def dollars(money: Money) -> float:
    """Write an amount as a JSON number; wallets and prices are whole cents."""
    return money.micros / MICROS_PER_DOLLAR


# A rental's moments are written again on every poll.
@lru_cache(maxsize=1024)
def instant(moment: datetime) -> str:
    """Write a UTC moment as RFC 3339 does, with milliseconds and ``Z``."""
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
