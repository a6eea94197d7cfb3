"""What a column can hold: text and integers, exactly."""

from datetime import UTC, datetime, timedelta
from typing import Final

from kiwisms.adapters.sql_rows.columns import optional
from kiwisms.adapters.sql_rows.decode import Decode

EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND: Final = timedelta(microseconds=1)


def from_moment(moment: datetime) -> int:
    """Count the microseconds since 1970; exact, where a float would not be."""
    return (moment - EPOCH) // MICROSECOND


def to_moment(micros: int) -> datetime:
    """Turn `from_moment` around."""
    return EPOCH + micros * MICROSECOND


to_optional_moment: Final = optional(to_moment)
"""Do as `to_moment`, where there is a moment."""

decode: Final = Decode(to_moment)
"""Reads rows."""
