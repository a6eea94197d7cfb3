"""The store in one SQLite file: needs nothing, loses nothing."""

from kiwisms.adapters.sqlite.store import SqliteStore

__all__ = ["SqliteStore"]
