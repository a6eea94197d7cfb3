"""Every statement, whole and named; rows have the order in which columns stand here."""

from typing import Final

# Locking.
VERSION: Final = "SELECT version FROM wallet WHERE account_id = ?"
NEXT_VERSION: Final = "UPDATE wallet SET version = version + 1 WHERE account_id = ? AND version = ?"

# Accounts.
ACCOUNTS: Final = """
SELECT email, status, suspended_for, password_hash, created_at, account_id FROM account
"""
ACCOUNT: Final = f"{ACCOUNTS} WHERE account_id = ?"
ACCOUNT_BY_EMAIL: Final = f"{ACCOUNTS} WHERE email = ?"
ACCOUNTS_BY_AGE: Final = f"{ACCOUNTS} ORDER BY created_at, account_id"
ADD_ACCOUNT: Final = """
INSERT INTO account (email, status, suspended_for, password_hash, created_at, account_id)
VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (email) DO NOTHING
"""
SAVE_ACCOUNT: Final = """
UPDATE account
SET email = ?, status = ?, suspended_for = ?, password_hash = ?, created_at = ?
WHERE account_id = ?
"""

# API keys.
API_KEYS: Final = """
SELECT account_id, prefix, secret_hash, label, created_at, revoked_at FROM api_key
WHERE account_id = ?
"""
API_KEY: Final = f"{API_KEYS} AND prefix = ?"
API_KEYS_BY_AGE: Final = f"{API_KEYS} ORDER BY created_at, prefix"
SAVE_API_KEY: Final = """
REPLACE INTO api_key (account_id, prefix, secret_hash, label, created_at, revoked_at)
VALUES (?, ?, ?, ?, ?, ?)
"""

# Money.
WALLET: Final = "SELECT account_id, available, held, transfers FROM wallet WHERE account_id = ?"
ADD_WALLET: Final = """
INSERT INTO wallet (account_id, available, held, transfers, version) VALUES (?, 0, 0, 0, 0)
"""
SAVE_WALLET: Final = """
UPDATE wallet SET available = ?2, held = ?3, transfers = ?4 WHERE account_id = ?1
"""
TRANSFERS: Final = """
SELECT account_id, number, id, debit, credit, amount, reason, at FROM transfer
WHERE account_id = ?
"""
TRANSFER: Final = f"{TRANSFERS} AND id = ?"
TRANSFERS_BY_NUMBER: Final = f"{TRANSFERS} ORDER BY number"
ADD_TRANSFER: Final = """
INSERT INTO transfer (account_id, number, id, debit, credit, amount, reason, at)
VALUES (?, ?, ?, ?, ?, ?, ?, ?)
"""

# Rentals.
RENTALS: Final = """
SELECT
    account_id, id, key_prefix, idempotency_key, renews, service, service_name, country, state,
    price, cost, activation_id, phone, messages, created_at, changed_at, expires_at,
    asleep_until, done_at, look_after, due_at
FROM rental
"""
RENTAL: Final = f"{RENTALS} WHERE account_id = ? AND id = ?"
FIND_RENTAL: Final = f"{RENTALS} WHERE id = ?"
FIND_RENTALS_BY_ACTIVATION: Final = f"{RENTALS} WHERE activation_id = ?"
RENTALS_OF_ACCOUNT: Final = f"{RENTALS} WHERE account_id = ?"
ACTIVE_RENTALS: Final = f"""{RENTALS}
WHERE account_id = ? AND state IN ('WAITING', 'RECEIVED') AND expires_at > ?
ORDER BY created_at DESC, id DESC
"""
NEWEST_RENTALS: Final = f"""{RENTALS}
WHERE account_id = coalesce(:account_id, account_id) AND state = coalesce(:state, state)
ORDER BY created_at DESC, id DESC LIMIT :limit
"""
DUE_RENTALS: Final = f"""{RENTALS}
WHERE due_at <= :now ORDER BY due_at, account_id, id LIMIT :limit
"""
USAGE: Final = """
SELECT
    (SELECT count(*) FROM rental WHERE account_id = :account_id AND state = 'REQUESTED')
    + (SELECT count(*) FROM rental WHERE account_id = :account_id
       AND state IN ('WAITING', 'RECEIVED') AND expires_at > :now),
    (SELECT at FROM step WHERE account_id = :account_id
     AND state = 'CANCELLED' AND actor <> 'worker' AND at >= :since
     ORDER BY at DESC LIMIT 1 OFFSET :most_cancels - 1)
"""
WAITING_BEYOND: Final = """
SELECT 1 FROM rental WHERE state IN ('REQUESTED', 'WAITING') LIMIT 1 OFFSET ?
"""
# Not REPLACE: that would delete another rental which has the same number.
SAVE_RENTAL: Final = """
INSERT INTO rental (
    account_id, id, key_prefix, idempotency_key, renews, service, service_name, country, state,
    price, cost, activation_id, phone, messages, created_at, changed_at, expires_at,
    asleep_until, done_at, look_after, due_at)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
ON CONFLICT (account_id, id) DO UPDATE SET
    key_prefix = excluded.key_prefix, idempotency_key = excluded.idempotency_key,
    renews = excluded.renews, service = excluded.service, service_name = excluded.service_name,
    country = excluded.country, state = excluded.state, price = excluded.price,
    cost = excluded.cost, activation_id = excluded.activation_id, phone = excluded.phone,
    messages = excluded.messages, created_at = excluded.created_at,
    changed_at = excluded.changed_at, expires_at = excluded.expires_at,
    asleep_until = excluded.asleep_until, done_at = excluded.done_at,
    look_after = excluded.look_after, due_at = excluded.due_at
"""
CLAIM_RENTAL: Final = """
UPDATE rental SET look_after = :look_after, due_at = :until
WHERE account_id = :account_id AND id = :id
AND state IN ('WAITING', 'RECEIVED') AND look_after <= :now
"""
HASTEN_RENTAL: Final = """
UPDATE rental SET look_after = :now, due_at = :now
WHERE account_id = :account_id AND id = :id AND state IN ('WAITING', 'RECEIVED')
"""
OUTLAY: Final = """
SELECT
    coalesce(sum(CASE WHEN state IN ('WAITING', 'RECEIVED', 'COMPLETED') THEN cost END), 0),
    count(CASE WHEN state IN ('WAITING', 'RECEIVED', 'COMPLETED') AND cost IS NULL THEN 1 END),
    count(CASE WHEN state = 'REQUESTED' OR (state = 'WAITING' AND expires_at <= ?) THEN 1 END)
FROM rental
"""
LEASE_RENTAL: Final = """
UPDATE rental SET look_after = :look_after, due_at = :until
WHERE account_id = :account_id AND id = :id
"""
STEPS_OF_ACCOUNT: Final = """
SELECT account_id, rental_id, state, messages, actor, at FROM step WHERE account_id = ?
"""
STEPS: Final = f"{STEPS_OF_ACCOUNT} AND rental_id = ?"
ADD_STEP: Final = """
INSERT INTO step (account_id, rental_id, state, messages, actor, at) VALUES (?, ?, ?, ?, ?, ?)
"""

# Idempotency keys.
IDEMPOTENCY_OF_ACCOUNT: Final = """
SELECT account_id, key, fingerprint, rental_id, state, claimed_at FROM idempotency
WHERE account_id = ?
"""
IDEMPOTENCY: Final = f"{IDEMPOTENCY_OF_ACCOUNT} AND key = ?"
SAVE_IDEMPOTENCY: Final = """
REPLACE INTO idempotency (account_id, key, fingerprint, rental_id, state, claimed_at)
VALUES (?, ?, ?, ?, ?, ?)
"""

# Webhooks.
WEBHOOKS: Final = """
SELECT
    account_id, key_prefix, url, events, low, sealed_secret, sealed_old_secret, rotated_at,
    stopped_at
FROM webhook WHERE account_id = ?
"""
WEBHOOK: Final = f"{WEBHOOKS} AND key_prefix = ?"
WEBHOOKS_BY_KEY: Final = f"{WEBHOOKS} ORDER BY key_prefix"
SAVE_WEBHOOK: Final = """
REPLACE INTO webhook (
    account_id, key_prefix, url, events, low, sealed_secret, sealed_old_secret, rotated_at,
    stopped_at)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
"""
REMOVE_WEBHOOK: Final = "DELETE FROM webhook WHERE account_id = ? AND key_prefix = ?"

# Deliveries.
DELIVERIES: Final = """
SELECT
    account_id, id, key_prefix, event, rental_id, body, status, attempts, tries_left, last_error,
    failures, created_at, due_at
FROM delivery
"""
DELIVERIES_OF_ACCOUNT: Final = f"{DELIVERIES} WHERE account_id = ?"
DELIVERIES_OF_RENTAL: Final = f"""{DELIVERIES_OF_ACCOUNT}
AND rental_id = ? ORDER BY created_at, id
"""
DELIVERY: Final = f"{DELIVERIES_OF_ACCOUNT} AND id = ?"
FIND_DELIVERY: Final = f"{DELIVERIES} WHERE id = ?"
NEWEST_DELIVERIES: Final = f"""{DELIVERIES}
WHERE account_id = ? ORDER BY created_at DESC, id DESC LIMIT ?
"""
# From one account to the next along the index: what an account has due beyond its share costs
# nothing to pass by.
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
SAVE_DELIVERY: Final = """
REPLACE INTO delivery (
    account_id, id, key_prefix, event, rental_id, body, status, attempts, tries_left, last_error,
    failures, created_at, due_at)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
"""
LEASE_DELIVERY: Final = """
UPDATE delivery SET due_at = :until WHERE account_id = :account_id AND id = :id
"""

# Incidents.
INCIDENTS: Final = """
SELECT
    account_id, id, rental_id, kind, detail, price, balance_before, balance_before_at,
    balance_after, balance_after_at, activation_id, at, due_at, resolved_at, resolution
FROM incident
"""
INCIDENTS_OF_ACCOUNT: Final = f"{INCIDENTS} WHERE account_id = ?"
INCIDENTS_OF_RENTAL: Final = f"{INCIDENTS_OF_ACCOUNT} AND rental_id = ? ORDER BY id"
INCIDENT: Final = f"{INCIDENTS_OF_ACCOUNT} AND id = ?"
FIND_INCIDENT: Final = f"{INCIDENTS} WHERE id = ?"
NEWEST_INCIDENTS: Final = f"{INCIDENTS} ORDER BY at DESC, id DESC LIMIT ?"
NEWEST_OPEN_INCIDENTS: Final = f"""{INCIDENTS}
WHERE resolved_at IS NULL ORDER BY at DESC, id DESC LIMIT ?
"""
OPEN_INCIDENTS: Final = "SELECT count(*) FROM incident WHERE resolved_at IS NULL"
DUE_INCIDENTS: Final = f"""{INCIDENTS}
WHERE due_at <= :now ORDER BY due_at, account_id, id LIMIT :limit
"""
SAVE_INCIDENT: Final = """
REPLACE INTO incident (
    account_id, id, rental_id, kind, detail, price, balance_before, balance_before_at,
    balance_after, balance_after_at, activation_id, at, due_at, resolved_at, resolution)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
"""
LEASE_INCIDENT: Final = """
UPDATE incident SET due_at = :until WHERE account_id = :account_id AND id = :id
"""

# The trail.
TRAIL: Final = """
SELECT account_id, id, at, actor, action, subject, detail FROM trail WHERE account_id = ?
ORDER BY at DESC, id DESC LIMIT ?
"""
ADD_TRAIL_ENTRY: Final = """
INSERT INTO trail (account_id, id, at, actor, action, subject, detail) VALUES (?, ?, ?, ?, ?, ?, ?)
"""

# Pushed messages.
ALL_PUSHES: Final = """
SELECT id, activation_id, service, code, text, received_at, arrived_at FROM pushed_message
"""
PUSHES: Final = f"{ALL_PUSHES} WHERE activation_id = ? ORDER BY arrived_at, id"
UNMATCHED_PUSHES: Final = """
SELECT id, activation_id, service, code, text, received_at, arrived_at FROM pushed_message
WHERE arrived_at >= ?
AND NOT EXISTS (
    SELECT 1 FROM rental WHERE rental.activation_id = pushed_message.activation_id)
AND NOT EXISTS (
    SELECT 1 FROM incident WHERE incident.activation_id = pushed_message.activation_id)
ORDER BY arrived_at DESC, id DESC LIMIT ?
"""
ADD_PUSH: Final = """
INSERT INTO pushed_message (id, activation_id, service, code, text, received_at, arrived_at)
VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT (id) DO NOTHING
"""

# Readings of upstream's balance.
LAST_READING: Final = """
SELECT at, balance, spent, topped_up FROM balance_reading ORDER BY at DESC LIMIT 1
"""
ADD_READING: Final = """
INSERT INTO balance_reading (at, balance, spent, topped_up) VALUES (?, ?, ?, ?)
"""

# Due work.
NEXT_DUE: Final = """
SELECT min(due_at) FROM (
    SELECT min(due_at) AS due_at FROM rental WHERE due_at IS NOT NULL
    UNION ALL SELECT min(due_at) FROM delivery WHERE due_at IS NOT NULL
    UNION ALL SELECT min(due_at) FROM incident WHERE due_at IS NOT NULL)
"""

# Pruning: so many at once that nobody waits long for the lock.
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

# The schema.
SCHEMA_VERSION: Final = "PRAGMA user_version"
