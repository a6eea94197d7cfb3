"""Reads in the SQL of Postgres; `sql_rows.statements` has those for every database."""

from typing import Final

from kiwisms.adapters.sql_rows.statements import (
    ACCOUNT_COLUMNS,
    IDEMPOTENCY_COLUMNS,
    RENTAL_COLUMNS,
    RENTALS,
    WALLET_COLUMNS,
    WEBHOOK_COLUMNS,
)

# Rentals. OFFSET 0 makes the planner find each row by its key, also for many keys.
RENTALS_BY_KEY: Final = f"""
SELECT asked.number, found.*
FROM unnest(%s::text[], %s::text[]) WITH ORDINALITY AS asked (account_id, id, number)
CROSS JOIN LATERAL (
    {RENTALS} WHERE rental.account_id = asked.account_id AND rental.id = asked.id OFFSET 0
) AS found
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
     ORDER BY at DESC LIMIT 1 OFFSET %(max_cancels)s - 1)
"""
USAGE: Final = f"SELECT {USAGE_COLUMNS}"

# Units of work: the first read, and the lock before it for a contended account.
LOCK: Final = "SELECT FROM wallet WHERE account_id = %s FOR NO KEY UPDATE"
BEGINNING_PARTS: Final = (
    "wallet.version",
    WALLET_COLUMNS,
    ACCOUNT_COLUMNS,
    RENTAL_COLUMNS,
    IDEMPOTENCY_COLUMNS,
    WEBHOOK_COLUMNS,
)
BEGINNING_COLUMNS: Final = ", ".join(BEGINNING_PARTS)
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
BEGIN_SNAPSHOT: Final = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"
