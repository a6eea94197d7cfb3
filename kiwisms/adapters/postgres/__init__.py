"""The store in Postgres, which many processes and machines can share."""

from kiwisms.adapters.postgres.notices import PostgresNotices
from kiwisms.adapters.postgres.store import PostgresStore

__all__ = ["PostgresNotices", "PostgresStore"]
