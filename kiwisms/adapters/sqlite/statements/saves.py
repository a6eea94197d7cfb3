"""Statements that save: accounts, data without an account, and units of work."""

from typing import Final

# An account with its wallet.
ADD_ACCOUNT: Final = """
INSERT INTO account (email, status, suspended_for, password_hash, created_at, account_id)
VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (email) DO NOTHING
"""
ADD_WALLET: Final = """
INSERT INTO wallet (account_id, available, held, transfers, version) VALUES (?, 0, 0, 0, 0)
"""

# Data that belongs to no account.
ADD_PUSH: Final = """
INSERT INTO pushed_message (id, activation_id, service, code, text, received_at, arrived_at)
VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT (id) DO NOTHING
"""
ADD_READING: Final = """
INSERT INTO balance_reading (at, balance, spent, topped_up) VALUES (?, ?, ?, ?)
"""

# Units of work.
NEXT_VERSION: Final = "UPDATE wallet SET version = version + 1 WHERE account_id = ? AND version = ?"
SAVE_ACCOUNT: Final = """
UPDATE account
SET email = ?, status = ?, suspended_for = ?, password_hash = ?, created_at = ?
WHERE account_id = ?
"""
SAVE_API_KEY: Final = """
REPLACE INTO api_key (account_id, prefix, secret_hash, label, created_at, revoked_at)
VALUES (?, ?, ?, ?, ?, ?)
"""
SAVE_WALLET: Final = "UPDATE wallet SET available = ?, held = ?, transfers = ? WHERE account_id = ?"
ADD_TRANSFER: Final = """
INSERT INTO transfer (account_id, number, id, debit, credit, amount, reason, at)
VALUES (?, ?, ?, ?, ?, ?, ?, ?)
"""

# Not REPLACE, which would delete another rental with the same number.
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
ADD_STEP: Final = """
INSERT INTO step (account_id, rental_id, state, messages, actor, at) VALUES (?, ?, ?, ?, ?, ?)
"""
SAVE_IDEMPOTENCY: Final = """
REPLACE INTO idempotency (account_id, key, fingerprint, rental_id, state, claimed_at)
VALUES (?, ?, ?, ?, ?, ?)
"""
SAVE_WEBHOOK: Final = """
REPLACE INTO webhook (
    account_id, key_prefix, url, events, low, sealed_secret, sealed_old_secret, rotated_at,
    stopped_at)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
"""
REMOVE_WEBHOOK: Final = "DELETE FROM webhook WHERE account_id = ? AND key_prefix = ?"
SAVE_DELIVERY: Final = """
REPLACE INTO delivery (
    account_id, id, key_prefix, event, rental_id, body, status, attempts, tries_left, last_error,
    failures, created_at, due_at)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
"""
SAVE_INCIDENT: Final = """
REPLACE INTO incident (
    account_id, id, rental_id, kind, detail, price, balance_before, balance_before_at,
    balance_after, balance_after_at, activation_id, at, due_at, resolved_at, resolution,
    unanswered)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
"""
ADD_TRAIL_ENTRY: Final = """
INSERT INTO trail (account_id, id, at, actor, action, subject, detail) VALUES (?, ?, ?, ?, ?, ?, ?)
"""
