"""What a column can hold: text and integers, exactly."""

from datetime import UTC, datetime, timedelta
from typing import Final

from kiwisms.adapters.sql_rows.columns import optional
from kiwisms.adapters.sql_rows.decode import Decode

EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND: Final = timedelta(microseconds=1)


def from_moment(moment: datetime) -> int:
    """Encode a moment as microseconds since 1970, which is exact, unlike a float."""
    return (moment - EPOCH) // MICROSECOND


def to_moment(micros: int) -> datetime:
    """Decode a moment: the inverse of `from_moment`."""
    return EPOCH + micros * MICROSECOND


to_optional_moment: Final = optional(to_moment)
"""Decode a moment, and keep ``None``."""

decode: Final = Decode(to_moment)
"""Decodes the rows of SQLite."""
