"""Reads in the SQL of SQLite; `sql_rows.statements` has those for every database."""

from typing import Final

from kiwisms.adapters.sql_rows.statements import RENTALS

# Rentals.
NEWEST_RENTALS: Final = f"""{RENTALS}
WHERE account_id = coalesce(:account_id, account_id) AND state = coalesce(:state, state)
ORDER BY created_at DESC, id DESC LIMIT :limit
"""
USAGE: Final = """
SELECT
    (SELECT count(*) FROM rental WHERE account_id = :account_id AND state = 'REQUESTED')
    + (SELECT count(*) FROM rental WHERE account_id = :account_id
       AND state IN ('WAITING', 'RECEIVED') AND expires_at > :now),
    (SELECT at FROM step WHERE account_id = :account_id
     AND state = 'CANCELLED' AND actor <> 'worker' AND at >= :since
     ORDER BY at DESC LIMIT 1 OFFSET :max_cancels - 1)
"""

# Whether a unit of work may be written.
VERSION: Final = "SELECT version FROM wallet WHERE account_id = ?"
WAITING_BEYOND: Final = """
SELECT 1 FROM rental WHERE state IN ('REQUESTED', 'WAITING') LIMIT 1 OFFSET ?
"""

# The schema.
SCHEMA_VERSION: Final = "PRAGMA user_version"
