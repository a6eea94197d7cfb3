"""Statements that save: accounts, data without an account, and units of work."""

from collections.abc import Sequence
from functools import lru_cache
from typing import Final

# An account with its wallet, together in one statement.
ADD_ACCOUNT: Final = """
INSERT INTO account (email, status, suspended_for, password_hash, created_at, account_id)
VALUES (%s, %s, %s, %s, %s, %s) ON CONFLICT (email) DO NOTHING
"""
ADD_WALLET: Final = """
INSERT INTO wallet (account_id, available, held, transfers, version)
SELECT account_id, 0, 0, 0, 0 FROM own
"""

# Data that belongs to no account.
ADD_PUSH: Final = """
INSERT INTO pushed_message (id, activation_id, service, code, text, received_at, arrived_at)
VALUES (%s, %s, %s, %s, %s, %s, %s) ON CONFLICT (id) DO NOTHING RETURNING id
"""
ADD_READING: Final = """
INSERT INTO balance_reading (at, balance, spent, topped_up) VALUES (%s, %s, %s, %s) RETURNING at
"""

# The end of a unit of work: every write takes the account from the wallet's row. If another
# process has changed that row, nothing is written.
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
    balance_after, balance_after_at, activation_id, at, due_at, resolved_at, resolution,
    unanswered)
SELECT account_id, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s FROM own
ON CONFLICT (account_id, id) DO UPDATE SET
    rental_id = excluded.rental_id, kind = excluded.kind, detail = excluded.detail,
    price = excluded.price, balance_before = excluded.balance_before,
    balance_before_at = excluded.balance_before_at, balance_after = excluded.balance_after,
    balance_after_at = excluded.balance_after_at, activation_id = excluded.activation_id,
    at = excluded.at, due_at = excluded.due_at, resolved_at = excluded.resolved_at,
    resolution = excluded.resolution, unanswered = excluded.unanswered
"""

# Places upstream, which all accounts share. A rent skips the places that others are taking. After
# the limit was lowered, places above it may still be taken: then an equal number stays free below.
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


@lru_cache(maxsize=512)
def together(own: str, writes: Sequence[str]) -> str:
    """Combine *writes* into one statement, which returns a row unless there was a conflict."""
    return f"""
WITH own AS ({own} RETURNING account_id){_named(writes)}
SELECT account_id FROM own
"""


@lru_cache(maxsize=512)
def together_in_a_place(own: str, writes: Sequence[str]) -> str:
    """
    Combine *writes* into one statement that writes nothing unless a place is free.

    Its row has: whether it wrote, whether it failed only because no place was free, and how many
    places exist.
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
