"""What is read; rows have the order in which columns stand here."""

from typing import Final

# Accounts.
ACCOUNT_COLUMNS: Final = """
account.email, account.status, account.suspended_for, account.password_hash, account.created_at,
account.account_id
"""
ACCOUNTS: Final = f"SELECT {ACCOUNT_COLUMNS} FROM account"
ACCOUNT: Final = f"{ACCOUNTS} WHERE account_id = %s"
ACCOUNT_BY_EMAIL: Final = f"{ACCOUNTS} WHERE email = %s"
ACCOUNTS_BY_AGE: Final = f"{ACCOUNTS} ORDER BY created_at, account_id"

# API keys.
API_KEYS: Final = """
SELECT account_id, prefix, secret_hash, label, created_at, revoked_at FROM api_key
WHERE account_id = %s
"""
API_KEY: Final = f"{API_KEYS} AND prefix = %s"
API_KEYS_BY_AGE: Final = f"{API_KEYS} ORDER BY created_at, prefix"

# Money.
WALLET: Final = "SELECT account_id, available, held, transfers FROM wallet WHERE account_id = %s"
TRANSFERS: Final = """
SELECT account_id, number, id, debit, credit, amount, reason, at FROM transfer
WHERE account_id = %s
"""
TRANSFER: Final = f"{TRANSFERS} AND id = %s"
TRANSFERS_BY_NUMBER: Final = f"{TRANSFERS} ORDER BY number"

# Rentals.
RENTAL_COLUMNS: Final = """
rental.account_id, rental.id, rental.key_prefix, rental.idempotency_key, rental.renews,
rental.service, rental.service_name, rental.country, rental.state, rental.price, rental.cost,
rental.activation_id, rental.phone, rental.messages, rental.created_at, rental.changed_at,
rental.expires_at, rental.asleep_until, rental.done_at, rental.look_after, rental.due_at
"""
RENTALS: Final = f"SELECT {RENTAL_COLUMNS} FROM rental"
RENTAL: Final = f"{RENTALS} WHERE account_id = %s AND id = %s"

# OFFSET 0: for many keys, too, each row is found by its key.
RENTALS_BY_KEY: Final = f"""
SELECT asked.number, found.*
FROM unnest(%s::text[], %s::text[]) WITH ORDINALITY AS asked (account_id, id, number)
CROSS JOIN LATERAL (
    {RENTALS} WHERE rental.account_id = asked.account_id AND rental.id = asked.id OFFSET 0
) AS found
"""
FIND_RENTAL: Final = f"{RENTALS} WHERE id = %s"
FIND_RENTALS_BY_ACTIVATION: Final = f"{RENTALS} WHERE activation_id = %s"
RENTALS_OF_ACCOUNT: Final = f"{RENTALS} WHERE account_id = %s"
ACTIVE_RENTALS: Final = f"""{RENTALS}
WHERE account_id = %s AND state IN ('WAITING', 'RECEIVED') AND expires_at > %s
ORDER BY created_at DESC, id DESC
"""
NEWEST_RENTALS: Final = f"{RENTALS} ORDER BY created_at DESC, id DESC LIMIT %s"
NEWEST_RENTALS_IN_STATE: Final = f"""{RENTALS}
WHERE state = %s ORDER BY created_at DESC, id DESC LIMIT %s
"""
NEWEST_RENTALS_OF_ACCOUNT: Final = f"""{RENTALS}
WHERE account_id = %s ORDER BY created_at DESC, id DESC LIMIT %s
"""
NEWEST_RENTALS_OF_ACCOUNT_IN_STATE: Final = f"""{RENTALS}
WHERE account_id = %s AND state = %s ORDER BY created_at DESC, id DESC LIMIT %s
"""
USAGE_COLUMNS: Final = """
    (SELECT count(*) FROM rental WHERE account_id = %(account_id)s AND state = 'REQUESTED')
    + (SELECT count(*) FROM rental WHERE account_id = %(account_id)s
       AND state IN ('WAITING', 'RECEIVED') AND expires_at > %(now)s),
    (SELECT at FROM step WHERE account_id = %(account_id)s
     AND state = 'CANCELLED' AND actor <> 'worker' AND at >= %(since)s
     ORDER BY at DESC LIMIT 1 OFFSET %(most_cancels)s - 1)
"""
USAGE: Final = f"SELECT {USAGE_COLUMNS}"
OUTLAY: Final = """
SELECT
    coalesce(
        sum(cost) FILTER (WHERE state IN ('WAITING', 'RECEIVED', 'COMPLETED')), 0)::bigint,
    count(*) FILTER (WHERE state IN ('WAITING', 'RECEIVED', 'COMPLETED') AND cost IS NULL),
    count(*) FILTER (WHERE state = 'REQUESTED' OR (state = 'WAITING' AND expires_at <= %s))
FROM rental
"""
STEPS_OF_ACCOUNT: Final = """
SELECT account_id, rental_id, state, messages, actor, at FROM step WHERE account_id = %s
"""
STEPS: Final = f"{STEPS_OF_ACCOUNT} AND rental_id = %s"

# Idempotency keys.
IDEMPOTENCY_COLUMNS: Final = """
idempotency.account_id, idempotency.key, idempotency.fingerprint, idempotency.rental_id,
idempotency.state, idempotency.claimed_at
"""
IDEMPOTENCY_OF_ACCOUNT: Final = f"""
SELECT {IDEMPOTENCY_COLUMNS} FROM idempotency WHERE account_id = %s
"""
IDEMPOTENCY: Final = f"{IDEMPOTENCY_OF_ACCOUNT} AND key = %s"

# Webhooks.
WEBHOOK_COLUMNS: Final = """
webhook.account_id, webhook.key_prefix, webhook.url, webhook.events, webhook.low,
webhook.sealed_secret, webhook.sealed_old_secret, webhook.rotated_at, webhook.stopped_at
"""
WEBHOOKS: Final = f"SELECT {WEBHOOK_COLUMNS} FROM webhook WHERE account_id = %s"
WEBHOOK: Final = f"{WEBHOOKS} AND key_prefix = %s"
WEBHOOKS_BY_KEY: Final = f"{WEBHOOKS} ORDER BY key_prefix"

# Deliveries.
DELIVERY_COLUMNS: Final = """
delivery.account_id, delivery.id, delivery.key_prefix, delivery.event, delivery.rental_id,
delivery.body, delivery.status, delivery.attempts, delivery.tries_left, delivery.last_error,
delivery.failures, delivery.created_at, delivery.due_at
"""
DELIVERIES: Final = f"SELECT {DELIVERY_COLUMNS} FROM delivery"
DELIVERIES_OF_ACCOUNT: Final = f"{DELIVERIES} WHERE account_id = %s"
DELIVERIES_OF_RENTAL: Final = f"""{DELIVERIES_OF_ACCOUNT}
AND rental_id = %s ORDER BY created_at, id
"""
DELIVERY: Final = f"{DELIVERIES_OF_ACCOUNT} AND id = %s"
FIND_DELIVERY: Final = f"{DELIVERIES} WHERE id = %s"
NEWEST_DELIVERIES: Final = f"""{DELIVERIES}
WHERE account_id = %s ORDER BY created_at DESC, id DESC LIMIT %s
"""

# Incidents.
INCIDENT_COLUMNS: Final = """
incident.account_id, incident.id, incident.rental_id, incident.kind, incident.detail,
incident.price, incident.balance_before, incident.balance_before_at, incident.balance_after,
incident.balance_after_at, incident.activation_id, incident.at, incident.due_at,
incident.resolved_at, incident.resolution
"""
INCIDENTS: Final = f"SELECT {INCIDENT_COLUMNS} FROM incident"
INCIDENTS_OF_ACCOUNT: Final = f"{INCIDENTS} WHERE account_id = %s"
INCIDENTS_OF_RENTAL: Final = f"{INCIDENTS_OF_ACCOUNT} AND rental_id = %s ORDER BY id"
INCIDENT: Final = f"{INCIDENTS_OF_ACCOUNT} AND id = %s"
FIND_INCIDENT: Final = f"{INCIDENTS} WHERE id = %s"
NEWEST_INCIDENTS: Final = f"{INCIDENTS} ORDER BY at DESC, id DESC LIMIT %s"
NEWEST_OPEN_INCIDENTS: Final = f"""{INCIDENTS}
WHERE resolved_at IS NULL ORDER BY at DESC, id DESC LIMIT %s
"""
OPEN_INCIDENTS: Final = "SELECT count(*) FROM incident WHERE resolved_at IS NULL"

# The trail.
TRAIL: Final = """
SELECT account_id, id, at, actor, action, subject, detail FROM trail WHERE account_id = %s
ORDER BY at DESC, id DESC LIMIT %s
"""

# Pushed messages.
ALL_PUSHES: Final = """
SELECT id, activation_id, service, code, text, received_at, arrived_at FROM pushed_message
"""
PUSHES: Final = f"{ALL_PUSHES} WHERE activation_id = %s ORDER BY arrived_at, id"
UNMATCHED_PUSHES: Final = f"""{ALL_PUSHES}
WHERE arrived_at >= %s
AND NOT EXISTS (
    SELECT FROM rental WHERE rental.activation_id = pushed_message.activation_id)
AND NOT EXISTS (
    SELECT FROM incident WHERE incident.activation_id = pushed_message.activation_id)
ORDER BY arrived_at DESC, id DESC LIMIT %s
"""

# Readings of upstream's balance.
LAST_READING: Final = """
SELECT at, balance, spent, topped_up FROM balance_reading ORDER BY at DESC LIMIT 1
"""

# Units of work. What is read first, and the lock that goes before it where others are quick.
LOCK: Final = "SELECT FROM wallet WHERE account_id = %s FOR NO KEY UPDATE"
BEGINNING_COLUMNS: Final = f"""
wallet.version, wallet.account_id, wallet.available, wallet.held, wallet.transfers,
{ACCOUNT_COLUMNS}, {RENTAL_COLUMNS}, {IDEMPOTENCY_COLUMNS}, {WEBHOOK_COLUMNS}
"""
BEGINNING_ROWS: Final = """
FROM wallet
JOIN account ON account.account_id = wallet.account_id
LEFT JOIN rental ON rental.account_id = wallet.account_id AND rental.id = %(rental_id)s
LEFT JOIN idempotency
    ON idempotency.account_id = wallet.account_id AND idempotency.key = %(key)s
LEFT JOIN webhook ON webhook.account_id = wallet.account_id AND webhook.key_prefix = ''
WHERE wallet.account_id = %(account_id)s
"""
BEGINNING: Final = f"SELECT {BEGINNING_COLUMNS} {BEGINNING_ROWS}"
BEGINNING_WITH_USAGE: Final = f"SELECT {BEGINNING_COLUMNS}, {USAGE_COLUMNS} {BEGINNING_ROWS}"

# An account's books, with its places upstream.
PLACES: Final = "SELECT rental_id FROM place WHERE account_id = %s"
ONE_MOMENT: Final = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"
