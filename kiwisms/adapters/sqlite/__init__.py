"""The store in one SQLite file, durable and without a server."""

from kiwisms.adapters.sqlite.store import SqliteStore

__all__ = ["SqliteStore"]
