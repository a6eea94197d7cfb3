"""The schema version, and the state of the server."""

from typing import Final

SCHEMA_VERSION_TABLE: Final = "SELECT 1 FROM pg_class WHERE oid = to_regclass('schema_version')"
SCHEMA_VERSION: Final = "SELECT version FROM schema_version"
CREATE_SCHEMA_VERSION: Final = """
CREATE TABLE IF NOT EXISTS schema_version (
    one boolean PRIMARY KEY DEFAULT true CHECK (one),
    version integer NOT NULL)
"""
SAVE_SCHEMA_VERSION: Final = """
INSERT INTO schema_version (version) VALUES (%s)
ON CONFLICT (one) DO UPDATE SET version = excluded.version
"""

# A migration of another process may take longer than the usual lock timeout.
WAIT_LONG: Final = "SET LOCAL lock_timeout = 0"

# A number that no other program uses in this database: "kiwisms" in ASCII.
LOCK_SCHEMA: Final = f"SELECT pg_advisory_xact_lock({int.from_bytes(b'kiwisms', 'big')})"
READ_ONLY: Final = "SELECT 1 WHERE current_setting('transaction_read_only') = 'on'"
"""This is also so on a standby."""
