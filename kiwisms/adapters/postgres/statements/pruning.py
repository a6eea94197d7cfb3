"""Statements that remove old rows, in batches small enough for a short lock."""

from typing import Final

PRUNE_PUSHES: Final = """
DELETE FROM pushed_message WHERE id IN (
    SELECT id FROM pushed_message AS old WHERE arrived_at < %(before)s
    AND EXISTS (
        SELECT FROM rental WHERE rental.activation_id = old.activation_id
        UNION ALL
        SELECT FROM incident WHERE incident.activation_id = old.activation_id)
    AND NOT EXISTS (
        SELECT FROM rental WHERE rental.activation_id = old.activation_id
        AND state IN ('WAITING', 'RECEIVED'))
    AND NOT EXISTS (
        SELECT FROM incident WHERE incident.activation_id = old.activation_id
        AND resolved_at IS NULL)
    ORDER BY arrived_at LIMIT %(limit)s)
RETURNING 1
"""
PRUNE_KEYS: Final = """
DELETE FROM idempotency
WHERE account_id = %(account_id)s AND state <> 'RUNNING' AND key IN (
    SELECT key FROM idempotency WHERE account_id = %(account_id)s
    AND state <> 'RUNNING' AND claimed_at < %(before)s LIMIT %(limit)s)
RETURNING 1
"""
PRUNE_DELIVERIES: Final = """
DELETE FROM delivery
WHERE account_id = %(account_id)s AND status <> 'PENDING' AND id IN (
    SELECT id FROM delivery WHERE account_id = %(account_id)s
    AND created_at < %(before)s AND status <> 'PENDING' LIMIT %(limit)s)
RETURNING 1
"""
PRUNE_INCIDENTS: Final = """
DELETE FROM incident WHERE account_id = %(account_id)s AND id IN (
    SELECT id FROM incident AS old WHERE account_id = %(account_id)s
    AND resolved_at < %(before)s AND NOT EXISTS (
        SELECT FROM pushed_message
        WHERE pushed_message.activation_id = old.activation_id) LIMIT %(limit)s)
RETURNING 1
"""
PRUNE_TRAIL: Final = """
DELETE FROM trail WHERE account_id = %(account_id)s AND (at, id) IN (
    SELECT at, id FROM trail WHERE account_id = %(account_id)s AND at < %(before)s
    ORDER BY at, id LIMIT %(limit)s)
RETURNING 1
"""
