"""Statements that claim due work, and find when the next work is due."""

from typing import Final

from kiwisms.adapters.sql_rows.statements import (
    DELIVERY_COLUMNS,
    INCIDENT_COLUMNS,
    RENTAL_COLUMNS,
)

# One rental.
CLAIM_RENTAL: Final = """
UPDATE rental SET look_after = %(look_after)s, due_at = %(until)s
WHERE account_id = %(account_id)s AND id = %(id)s
AND state IN ('WAITING', 'RECEIVED') AND look_after <= %(now)s
RETURNING id
"""
HASTEN_RENTAL: Final = """
UPDATE rental SET look_after = %(now)s, due_at = %(now)s
WHERE account_id = %(account_id)s AND id = %(id)s AND state IN ('WAITING', 'RECEIVED')
RETURNING id
"""

# Due work. A CTE, as LIMIT in an IN may run twice in a nested loop. The first column is for
# sorting, since UPDATE returns rows in no order.
CLAIM_DUE_RENTALS: Final = f"""
WITH due AS MATERIALIZED (
    SELECT account_id, id, due_at FROM rental WHERE due_at <= %(now)s
    ORDER BY due_at, account_id, id LIMIT %(limit)s FOR NO KEY UPDATE SKIP LOCKED)
UPDATE rental SET look_after = %(look_after)s, due_at = %(until)s FROM due
WHERE (rental.account_id, rental.id) = (due.account_id, due.id)
RETURNING due.due_at, {RENTAL_COLUMNS}
"""

# This steps along the index from one account to the next. So deliveries of an account beyond its
# share cost nothing.
CLAIM_DUE_DELIVERIES: Final = f"""
WITH RECURSIVE owing (owner) AS (
    (SELECT account_id FROM delivery WHERE due_at IS NOT NULL
     ORDER BY account_id, due_at, id LIMIT 1)
    UNION ALL
    SELECT (
        SELECT account_id FROM delivery WHERE due_at IS NOT NULL AND account_id > owner
        ORDER BY account_id, due_at, id LIMIT 1)
    FROM owing WHERE owner IS NOT NULL),
due AS MATERIALIZED (
    SELECT share.account_id, share.id, share.due_at FROM owing CROSS JOIN LATERAL (
        SELECT account_id, id, due_at FROM delivery WHERE account_id = owner AND due_at <= %(now)s
        ORDER BY due_at, id LIMIT %(per_account)s FOR NO KEY UPDATE SKIP LOCKED) AS share
    WHERE owner <> ALL (%(busy)s::text[])
    ORDER BY share.due_at, share.account_id, share.id LIMIT %(limit)s)
UPDATE delivery SET due_at = %(until)s FROM due
WHERE (delivery.account_id, delivery.id) = (due.account_id, due.id)
RETURNING due.due_at, {DELIVERY_COLUMNS}
"""
CLAIM_DUE_INCIDENTS: Final = f"""
WITH due AS MATERIALIZED (
    SELECT account_id, id, due_at FROM incident WHERE due_at <= %(now)s
    ORDER BY due_at, account_id, id LIMIT %(limit)s FOR NO KEY UPDATE SKIP LOCKED)
UPDATE incident SET due_at = %(until)s FROM due
WHERE (incident.account_id, incident.id) = (due.account_id, due.id)
RETURNING due.due_at, {INCIDENT_COLUMNS}
"""
NEXT_DUE: Final = """
SELECT least(
    (SELECT min(due_at) FROM rental WHERE due_at IS NOT NULL),
    (SELECT min(due_at) FROM delivery WHERE due_at IS NOT NULL),
    (SELECT min(due_at) FROM incident WHERE due_at IS NOT NULL))
"""
