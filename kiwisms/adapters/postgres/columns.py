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
    Sends a value as text, and lets the server infer its type.

    The driver would use different types for a small number, a large one and ``None``, and prepare
    a statement for each combination of types.
    """

    def dump(self, obj: object) -> bytes:
        return str(obj).encode()


ADAPTERS: Final = AdaptersMap(psycopg.adapters)
ADAPTERS.register_dumper(int, _Untyped)
ADAPTERS.register_dumper(datetime, _Untyped)
# As text, rows are hashable and cheap to compare, so a row that was decoded before is cached.
ADAPTERS.register_loader("timestamptz", TextLoader)
ADAPTERS.register_loader("jsonb", TextLoader)

from_moment: Final = datetime.isoformat
"""Encode a moment as text, for a column or for JSON."""


def to_moment(moment: str) -> datetime:
    """Decode a moment, which has the time zone of the session."""
    return datetime.fromisoformat(moment).astimezone(UTC)


to_optional_moment: Final = optional(to_moment)
"""Decode a moment, and keep ``None``."""

decode: Final = Decode(to_moment)
"""Decodes the rows of Postgres."""
