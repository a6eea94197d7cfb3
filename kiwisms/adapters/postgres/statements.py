"""Every statement, whole and named; rows have the order in which columns stand here."""

from collections.abc import Sequence
from functools import lru_cache
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
ADD_ACCOUNT: Final = """
INSERT INTO account (email, status, suspended_for, password_hash, created_at, account_id)
VALUES (%s, %s, %s, %s, %s, %s) ON CONFLICT (email) DO NOTHING
"""
ADD_WALLET: Final = """
INSERT INTO wallet (account_id, available, held, transfers, version)
SELECT account_id, 0, 0, 0, 0 FROM own
"""

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
ADD_PUSH: Final = """
INSERT INTO pushed_message (id, activation_id, service, code, text, received_at, arrived_at)
VALUES (%s, %s, %s, %s, %s, %s, %s) ON CONFLICT (id) DO NOTHING RETURNING id
"""

# Readings of upstream's balance.
LAST_READING: Final = """
SELECT at, balance, spent, topped_up FROM balance_reading ORDER BY at DESC LIMIT 1
"""
ADD_READING: Final = """
INSERT INTO balance_reading (at, balance, spent, topped_up) VALUES (%s, %s, %s, %s) RETURNING at
"""

# Due work. A CTE, as LIMIT in an IN may run twice in a nested loop. The first column says how
# long it has been due: what an UPDATE returns has no order.
CLAIM_DUE_RENTALS: Final = f"""
WITH due AS MATERIALIZED (
    SELECT account_id, id, due_at FROM rental WHERE due_at <= %(now)s
    ORDER BY due_at, account_id, id LIMIT %(limit)s FOR NO KEY UPDATE SKIP LOCKED)
UPDATE rental SET look_after = %(look_after)s, due_at = %(until)s FROM due
WHERE (rental.account_id, rental.id) = (due.account_id, due.id)
RETURNING due.due_at, {RENTAL_COLUMNS}
"""
# From one account to the next along the index: what an account has due beyond its share costs
# nothing to pass by.
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

# How a unit of work ends: the wallet's row gives the account to all that is written, and
# nothing at all is written when somebody else has changed it.
NEXT_VERSION: Final = """
UPDATE wallet SET version = version + 1 WHERE account_id = %s AND version = %s
"""
SAVE_WALLET: Final = """
UPDATE wallet SET available = %s, held = %s, transfers = %s, version = version + 1
WHERE account_id = %s AND version = %s
"""
SAVE_ACCOUNT: Final = """
UPDATE account
SET email = %s, status = %s, suspended_for = %s, password_hash = %s, created_at = %s
FROM own WHERE account.account_id = own.account_id
"""
SAVE_API_KEY: Final = """
INSERT INTO api_key (account_id, prefix, secret_hash, label, created_at, revoked_at)
SELECT account_id, %s, %s, %s, %s, %s FROM own
ON CONFLICT (account_id, prefix) DO UPDATE SET
    secret_hash = excluded.secret_hash, label = excluded.label,
    created_at = excluded.created_at, revoked_at = excluded.revoked_at
"""
ADD_TRANSFER: Final = """
INSERT INTO transfer (account_id, number, id, debit, credit, amount, reason, at)
SELECT account_id, %s, %s, %s, %s, %s, %s, %s FROM own
"""
SAVE_RENTAL: Final = """
INSERT INTO rental (
    account_id, id, key_prefix, idempotency_key, renews, service, service_name, country, state,
    price, cost, activation_id, phone, messages, created_at, changed_at, expires_at,
    asleep_until, done_at, look_after, due_at)
SELECT account_id, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s
FROM own
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
INSERT INTO step (account_id, rental_id, state, messages, actor, at)
SELECT account_id, %s, %s, %s, %s, %s FROM own
"""
ADD_TRAIL_ENTRY: Final = """
INSERT INTO trail (account_id, id, at, actor, action, subject, detail)
SELECT account_id, %s, %s, %s, %s, %s, %s FROM own
"""
SAVE_IDEMPOTENCY: Final = """
INSERT INTO idempotency (account_id, key, fingerprint, rental_id, state, claimed_at)
SELECT account_id, %s, %s, %s, %s, %s FROM own
ON CONFLICT (account_id, key) DO UPDATE SET
    fingerprint = excluded.fingerprint, rental_id = excluded.rental_id, state = excluded.state,
    claimed_at = excluded.claimed_at
"""
SAVE_WEBHOOK: Final = """
INSERT INTO webhook (
    account_id, key_prefix, url, events, low, sealed_secret, sealed_old_secret, rotated_at,
    stopped_at)
SELECT account_id, %s, %s, %s, %s, %s, %s, %s, %s FROM own
ON CONFLICT (account_id, key_prefix) DO UPDATE SET
    url = excluded.url, events = excluded.events, low = excluded.low,
    sealed_secret = excluded.sealed_secret, sealed_old_secret = excluded.sealed_old_secret,
    rotated_at = excluded.rotated_at, stopped_at = excluded.stopped_at
"""
REMOVE_WEBHOOK: Final = """
DELETE FROM webhook USING own WHERE webhook.account_id = own.account_id AND key_prefix = %s
"""
SAVE_DELIVERY: Final = """
INSERT INTO delivery (
    account_id, id, key_prefix, event, rental_id, body, status, attempts, tries_left, last_error,
    failures, created_at, due_at)
SELECT account_id, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s FROM own
ON CONFLICT (account_id, id) DO UPDATE SET
    key_prefix = excluded.key_prefix, event = excluded.event, rental_id = excluded.rental_id,
    body = excluded.body, status = excluded.status, attempts = excluded.attempts,
    tries_left = excluded.tries_left, last_error = excluded.last_error,
    failures = excluded.failures, created_at = excluded.created_at, due_at = excluded.due_at
"""
SAVE_INCIDENT: Final = """
INSERT INTO incident (
    account_id, id, rental_id, kind, detail, price, balance_before, balance_before_at,
    balance_after, balance_after_at, activation_id, at, due_at, resolved_at, resolution)
SELECT account_id, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s FROM own
ON CONFLICT (account_id, id) DO UPDATE SET
    rental_id = excluded.rental_id, kind = excluded.kind, detail = excluded.detail,
    price = excluded.price, balance_before = excluded.balance_before,
    balance_before_at = excluded.balance_before_at, balance_after = excluded.balance_after,
    balance_after_at = excluded.balance_after_at, activation_id = excluded.activation_id,
    at = excluded.at, due_at = excluded.due_at, resolved_at = excluded.resolved_at,
    resolution = excluded.resolution
"""


# Places upstream, which all accounts share. Whoever takes one passes by those that others are
# taking. When fewer may be taken than before, as many are left free as are still taken beyond.
FREE_PLACE: Final = """
SELECT number FROM place WHERE account_id IS NULL AND number <= %s ORDER BY number
OFFSET (SELECT count(*) FROM place WHERE account_id IS NOT NULL AND number > %s) LIMIT 1
FOR NO KEY UPDATE SKIP LOCKED
"""
TAKE_PLACE: Final = """
UPDATE place SET account_id = own.account_id, rental_id = %s
FROM own, free WHERE place.number = free.number
"""
LEAVE_PLACE: Final = """
UPDATE place SET account_id = NULL, rental_id = NULL
FROM own WHERE place.account_id = own.account_id AND rental_id = %s
"""
ADD_PLACES: Final = """
INSERT INTO place (number)
SELECT generate_series(%(there)s + 1, least(2 * %(there)s + 100, %(most)s))
ON CONFLICT (number) DO NOTHING RETURNING number
"""
PLACES: Final = "SELECT rental_id FROM place WHERE account_id = %s"


@lru_cache(maxsize=512)
def together(own: str, writes: Sequence[str]) -> str:
    """Make one statement of *writes*, which gives a row unless the wallet's row was changed."""
    return f"""
WITH own AS ({own} RETURNING account_id){_named(writes)}
SELECT account_id FROM own
"""


@lru_cache(maxsize=512)
def together_in_a_place(own: str, writes: Sequence[str]) -> str:
    """
    Make one statement of *writes* that writes nothing unless a place is free.

    Its row says whether it wrote, whether it did not for want of a place alone, and how many
    places there are.
    """
    return f"""
WITH free AS MATERIALIZED ({FREE_PLACE}),
own AS ({own} AND EXISTS (SELECT FROM free) RETURNING account_id){_named(writes)}
SELECT
    EXISTS (SELECT FROM own),
    NOT EXISTS (SELECT FROM free)
    AND EXISTS (SELECT FROM wallet WHERE account_id = %s AND version = %s),
    (SELECT coalesce(max(number), 0) FROM place)
"""


def _named(writes: Sequence[str]) -> str:
    return "".join(f", write_{number} AS ({write})" for number, write in enumerate(writes))


# Pruning: so many at once that nobody waits long for the lock.
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

# The schema, and what the server may do.
SCHEMA_VERSION_TABLE: Final = "SELECT 1 FROM pg_class WHERE oid = to_regclass('schema_version')"
SCHEMA_VERSION: Final = "SELECT version FROM schema_version"
CREATE_SCHEMA_VERSION: Final = """
CREATE TABLE IF NOT EXISTS schema_version (
    one boolean PRIMARY KEY DEFAULT true CHECK (one),
    version integer NOT NULL)
"""
SAVE_SCHEMA_VERSION: Final = """
INSERT INTO schema_version (version) VALUES (%s)
ON CONFLICT (one) DO UPDATE SET version = excluded.version
"""
# Another process may take longer to change the schema than a request may wait for a lock.
WAIT_LONG: Final = "SET LOCAL lock_timeout = 0"
# Any number that nobody else takes in this database: "kiwisms" in ASCII.
LOCK_SCHEMA: Final = f"SELECT pg_advisory_xact_lock({int.from_bytes(b'kiwisms', 'big')})"
READ_ONLY: Final = "SELECT 1 WHERE current_setting('transaction_read_only') = 'on'"
"""So is a standby, too."""
ONE_MOMENT: Final = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"

# Notices.
CHANNEL: Final = "kiwisms"
LISTEN: Final = f"LISTEN {CHANNEL}"
# Nobody waits for a hint to be on the disk.
NOTIFY: Final = f"""
SELECT set_config('synchronous_commit', 'off', true), pg_notify('{CHANNEL}', payload)
FROM unnest(%s::text[]) AS payload
"""
