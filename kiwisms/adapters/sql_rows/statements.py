"""
The reads that are the same SQL on every database.

A row has its columns in the order of the statement, and ``?`` is a parameter.
"""

from typing import Final

# Accounts.
ACCOUNT_COLUMNS: Final = """
account.email, account.status, account.suspended_for, account.password_hash, account.created_at,
account.account_id
"""
ACCOUNTS: Final = f"SELECT {ACCOUNT_COLUMNS} FROM account"
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
WALLET_COLUMNS: Final = "wallet.account_id, wallet.available, wallet.held, wallet.transfers"
WALLET: Final = f"SELECT {WALLET_COLUMNS} FROM wallet WHERE account_id = ?"
TRANSFERS: Final = """
SELECT account_id, number, id, debit, credit, amount, reason, at FROM transfer
WHERE account_id = ?
"""
TRANSFER: Final = f"{TRANSFERS} AND id = ?"
TRANSFERS_BY_NUMBER: Final = f"{TRANSFERS} ORDER BY number"

# Rentals.
RENTAL_COLUMNS: Final = """
rental.account_id, rental.id, rental.key_prefix, rental.idempotency_key, rental.renews,
rental.service, rental.service_name, rental.country, rental.state, rental.price, rental.cost,
rental.activation_id, rental.phone, rental.messages, rental.created_at, rental.changed_at,
rental.expires_at, rental.asleep_until, rental.done_at, rental.look_after, rental.due_at
"""
RENTALS: Final = f"SELECT {RENTAL_COLUMNS} FROM rental"
RENTAL: Final = f"{RENTALS} WHERE account_id = ? AND id = ?"
FIND_RENTAL: Final = f"{RENTALS} WHERE id = ?"
FIND_RENTALS_BY_ACTIVATION: Final = f"{RENTALS} WHERE activation_id = ?"
RENTALS_OF_ACCOUNT: Final = f"{RENTALS} WHERE account_id = ?"
ACTIVE_RENTALS: Final = f"""{RENTALS}
WHERE account_id = ? AND state IN ('WAITING', 'RECEIVED') AND expires_at > ?
ORDER BY created_at DESC, id DESC
"""
OUTLAY: Final = """
SELECT
    CAST(coalesce(
        sum(cost) FILTER (WHERE state IN ('WAITING', 'RECEIVED', 'COMPLETED')), 0) AS bigint),
    count(*) FILTER (WHERE state IN ('WAITING', 'RECEIVED', 'COMPLETED') AND cost IS NULL),
    count(*) FILTER (WHERE state = 'REQUESTED' OR (state = 'WAITING' AND expires_at <= ?))
FROM rental
"""
STEPS_OF_ACCOUNT: Final = """
SELECT account_id, rental_id, state, messages, actor, at FROM step WHERE account_id = ?
"""
STEPS: Final = f"{STEPS_OF_ACCOUNT} AND rental_id = ?"

# Idempotency keys.
IDEMPOTENCY_COLUMNS: Final = """
idempotency.account_id, idempotency.key, idempotency.fingerprint, idempotency.rental_id,
idempotency.state, idempotency.claimed_at
"""
IDEMPOTENCY_OF_ACCOUNT: Final = f"""
SELECT {IDEMPOTENCY_COLUMNS} FROM idempotency WHERE account_id = ?
"""
IDEMPOTENCY: Final = f"{IDEMPOTENCY_OF_ACCOUNT} AND key = ?"

# Webhooks.
WEBHOOK_COLUMNS: Final = """
webhook.account_id, webhook.key_prefix, webhook.url, webhook.events, webhook.low,
webhook.sealed_secret, webhook.sealed_old_secret, webhook.rotated_at, webhook.stopped_at
"""
WEBHOOKS: Final = f"SELECT {WEBHOOK_COLUMNS} FROM webhook WHERE account_id = ?"
WEBHOOK: Final = f"{WEBHOOKS} AND key_prefix = ?"
WEBHOOKS_BY_KEY: Final = f"{WEBHOOKS} ORDER BY key_prefix"

# Deliveries.
DELIVERY_COLUMNS: Final = """
delivery.account_id, delivery.id, delivery.key_prefix, delivery.event, delivery.rental_id,
delivery.body, delivery.status, delivery.attempts, delivery.tries_left, delivery.last_error,
delivery.failures, delivery.created_at, delivery.due_at
"""
DELIVERIES: Final = f"SELECT {DELIVERY_COLUMNS} FROM delivery"
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
INCIDENT_COLUMNS: Final = """
incident.account_id, incident.id, incident.rental_id, incident.kind, incident.detail,
incident.price, incident.balance_before, incident.balance_before_at, incident.balance_after,
incident.balance_after_at, incident.activation_id, incident.at, incident.due_at,
incident.resolved_at, incident.resolution, incident.unanswered
"""
INCIDENTS: Final = f"SELECT {INCIDENT_COLUMNS} FROM incident"
INCIDENTS_OF_ACCOUNT: Final = f"{INCIDENTS} WHERE account_id = ?"
INCIDENTS_OF_RENTAL: Final = f"{INCIDENTS_OF_ACCOUNT} AND rental_id = ? ORDER BY at, id"
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
UNMATCHED_PUSHES: Final = f"""{ALL_PUSHES}
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
