"""What a column can hold, and how a parameter is sent."""

from datetime import UTC, datetime
from typing import Final

import psycopg
from psycopg.adapt import AdaptersMap, Dumper
from psycopg.types.string import TextLoader

from kiwisms.adapters.sql_rows.columns import optional
from kiwisms.adapters.sql_rows.decode import Decode


class _Untyped(Dumper):
    """
    Sends a value as text whose type the server finds out.

    The driver would send a small number as another type than a large one or ``None``, and
    prepare a statement anew for every combination of them.
    """

    def dump(self, obj: object) -> bytes:
        return str(obj).encode()


ADAPTERS: Final = AdaptersMap(psycopg.adapters)
ADAPTERS.register_dumper(int, _Untyped)
ADAPTERS.register_dumper(datetime, _Untyped)
# As text, rows are compared cheaply, and one that was read before need not be read again.
ADAPTERS.register_loader("timestamptz", TextLoader)
ADAPTERS.register_loader("jsonb", TextLoader)

from_moment: Final = datetime.isoformat
"""Write a moment as text, which goes into a column and into JSON."""


def to_moment(moment: str) -> datetime:
    """Read a moment, which comes in the time zone of the session."""
    return datetime.fromisoformat(moment).astimezone(UTC)


to_optional_moment: Final = optional(to_moment)
"""Do as `to_moment`, where there is a moment."""

decode: Final = Decode(to_moment)
"""Reads rows."""
