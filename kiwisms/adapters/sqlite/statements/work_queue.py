"""Statements that claim due work, and find when the next work is due."""

from typing import Final

from kiwisms.adapters.sql_rows.statements import DELIVERIES, INCIDENTS, RENTALS

# One rental.
CLAIM_RENTAL: Final = """
UPDATE rental SET look_after = :look_after, due_at = :until
WHERE account_id = :account_id AND id = :id
AND state IN ('WAITING', 'RECEIVED') AND look_after <= :now
"""
HASTEN_RENTAL: Final = """
UPDATE rental SET look_after = :now, due_at = :now
WHERE account_id = :account_id AND id = :id AND state IN ('WAITING', 'RECEIVED')
"""

# Due work.
DUE_RENTALS: Final = f"""{RENTALS}
WHERE due_at <= :now ORDER BY due_at, account_id, id LIMIT :limit
"""
LEASE_RENTAL: Final = """
UPDATE rental SET look_after = :look_after, due_at = :until
WHERE account_id = :account_id AND id = :id
"""

# This steps along the index from one account to the next. So deliveries of an account beyond its
# share cost nothing.
SHARES: Final = """
WITH RECURSIVE owing (owner) AS (
    SELECT min(account_id) FROM delivery WHERE due_at IS NOT NULL
    UNION ALL
    SELECT (SELECT min(account_id) FROM delivery WHERE due_at IS NOT NULL AND account_id > owner)
    FROM owing WHERE owner IS NOT NULL),
share (account_id, id) AS (
    SELECT owner, due.id FROM owing CROSS JOIN delivery AS due
    WHERE owner NOT IN (SELECT value FROM json_each(:busy))
    AND due.account_id = owner AND due.id IN (
        SELECT id FROM delivery WHERE account_id = owner AND due_at <= :now
        ORDER BY due_at, id LIMIT :per_account))
"""
DUE_DELIVERIES: Final = f"""{SHARES} {DELIVERIES}
WHERE (account_id, id) IN share ORDER BY due_at, account_id, id LIMIT :limit
"""
LEASE_DELIVERY: Final = """
UPDATE delivery SET due_at = :until WHERE account_id = :account_id AND id = :id
"""
DUE_INCIDENTS: Final = f"""{INCIDENTS}
WHERE due_at <= :now ORDER BY due_at, account_id, id LIMIT :limit
"""
LEASE_INCIDENT: Final = """
UPDATE incident SET due_at = :until WHERE account_id = :account_id AND id = :id
"""
NEXT_DUE: Final = """
SELECT min(due_at) FROM (
    SELECT min(due_at) AS due_at FROM rental WHERE due_at IS NOT NULL
    UNION ALL SELECT min(due_at) FROM delivery WHERE due_at IS NOT NULL
    UNION ALL SELECT min(due_at) FROM incident WHERE due_at IS NOT NULL)
"""
