"""Statements that remove old rows, in batches small enough for a short lock."""

from typing import Final

PRUNE_PUSHES: Final = """
DELETE FROM pushed_message WHERE id IN (
    SELECT id FROM pushed_message AS old WHERE arrived_at < :before
    AND EXISTS (
        SELECT 1 FROM rental WHERE rental.activation_id = old.activation_id
        UNION ALL
        SELECT 1 FROM incident WHERE incident.activation_id = old.activation_id)
    AND NOT EXISTS (
        SELECT 1 FROM rental WHERE rental.activation_id = old.activation_id
        AND state IN ('WAITING', 'RECEIVED'))
    AND NOT EXISTS (
        SELECT 1 FROM incident WHERE incident.activation_id = old.activation_id
        AND resolved_at IS NULL)
    ORDER BY arrived_at LIMIT :limit)
"""
PRUNE_KEYS: Final = """
DELETE FROM idempotency
WHERE account_id = :account_id AND state <> 'RUNNING' AND key IN (
    SELECT key FROM idempotency WHERE account_id = :account_id
    AND state <> 'RUNNING' AND claimed_at < :before LIMIT :limit)
"""
PRUNE_DELIVERIES: Final = """
DELETE FROM delivery
WHERE account_id = :account_id AND status <> 'PENDING' AND id IN (
    SELECT id FROM delivery WHERE account_id = :account_id
    AND created_at < :before AND status <> 'PENDING' LIMIT :limit)
"""
PRUNE_INCIDENTS: Final = """
DELETE FROM incident WHERE account_id = :account_id AND id IN (
    SELECT id FROM incident AS old WHERE account_id = :account_id
    AND resolved_at < :before AND NOT EXISTS (
        SELECT 1 FROM pushed_message
        WHERE pushed_message.activation_id = old.activation_id) LIMIT :limit)
"""
PRUNE_TRAIL: Final = """
DELETE FROM trail WHERE account_id = :account_id AND (at, id) IN (
    SELECT at, id FROM trail WHERE account_id = :account_id AND at < :before
    ORDER BY at, id LIMIT :limit)
"""
