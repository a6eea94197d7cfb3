"""What is read; rows have the order in which columns stand here."""

from typing import Final

# Accounts.
ACCOUNTS: Final = """
SELECT email, status, suspended_for, password_hash, created_at, account_id FROM account
"""
ACCOUNT: Final = f"{ACCOUNTS} WHERE account_id = ?"
ACCOUNT_BY_EMAIL: Final = f"{ACCOUNTS} WHERE email = ?"
ACCOUNTS_BY_AGE: Final = f"{ACCOUNTS} ORDER BY created_at, account_id"

# API keys.
API_KEYS: Final = """
SELECT account_id, prefix, secret_hash, label, created_at, revoked_at FROM api_key
WHERE account_id = ?
"""
API_KEY: Final = f"{API_KEYS} AND prefix = ?"
API_KEYS_BY_AGE: Final = f"{API_KEYS} ORDER BY created_at, prefix"

# Money.
WALLET: Final = "SELECT account_id, available, held, transfers FROM wallet WHERE account_id = ?"
TRANSFERS: Final = """
SELECT account_id, number, id, debit, credit, amount, reason, at FROM transfer
WHERE account_id = ?
"""
TRANSFER: Final = f"{TRANSFERS} AND id = ?"
TRANSFERS_BY_NUMBER: Final = f"{TRANSFERS} ORDER BY number"

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
USAGE: Final = """
SELECT
    (SELECT count(*) FROM rental WHERE account_id = :account_id AND state = 'REQUESTED')
    + (SELECT count(*) FROM rental WHERE account_id = :account_id
       AND state IN ('WAITING', 'RECEIVED') AND expires_at > :now),
    (SELECT at FROM step WHERE account_id = :account_id
     AND state = 'CANCELLED' AND actor <> 'worker' AND at >= :since
     ORDER BY at DESC LIMIT 1 OFFSET :most_cancels - 1)
"""
OUTLAY: Final = """
SELECT
    coalesce(sum(CASE WHEN state IN ('WAITING', 'RECEIVED', 'COMPLETED') THEN cost END), 0),
    count(CASE WHEN state IN ('WAITING', 'RECEIVED', 'COMPLETED') AND cost IS NULL THEN 1 END),
    count(CASE WHEN state = 'REQUESTED' OR (state = 'WAITING' AND expires_at <= ?) THEN 1 END)
FROM rental
"""
STEPS_OF_ACCOUNT: Final = """
SELECT account_id, rental_id, state, messages, actor, at FROM step WHERE account_id = ?
"""
STEPS: Final = f"{STEPS_OF_ACCOUNT} AND rental_id = ?"

# Idempotency keys.
IDEMPOTENCY_OF_ACCOUNT: Final = """
SELECT account_id, key, fingerprint, rental_id, state, claimed_at FROM idempotency
WHERE account_id = ?
"""
IDEMPOTENCY: Final = f"{IDEMPOTENCY_OF_ACCOUNT} AND key = ?"

# Webhooks.
WEBHOOKS: Final = """
SELECT
    account_id, key_prefix, url, events, low, sealed_secret, sealed_old_secret, rotated_at,
    stopped_at
FROM webhook WHERE account_id = ?
"""
WEBHOOK: Final = f"{WEBHOOKS} AND key_prefix = ?"
WEBHOOKS_BY_KEY: Final = f"{WEBHOOKS} ORDER BY key_prefix"

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

# The trail.
TRAIL: Final = """
SELECT account_id, id, at, actor, action, subject, detail FROM trail WHERE account_id = ?
ORDER BY at DESC, id DESC LIMIT ?
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

# Readings of upstream's balance.
LAST_READING: Final = """
SELECT at, balance, spent, topped_up FROM balance_reading ORDER BY at DESC LIMIT 1
"""

# Whether a unit of work may be written.
VERSION: Final = "SELECT version FROM wallet WHERE account_id = ?"
WAITING_BEYOND: Final = """
SELECT 1 FROM rental WHERE state IN ('REQUESTED', 'WAITING') LIMIT 1 OFFSET ?
"""

# The schema.
SCHEMA_VERSION: Final = "PRAGMA user_version"
