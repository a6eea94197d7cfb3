-- A thousand accounts with money, ten finished rentals of each with all their rows, and places upstream.

INSERT INTO account (account_id, email, status, created_at)
SELECT n::text, n || '@example.com', 'ACTIVE', now() FROM generate_series(1, 1000) AS n;

INSERT INTO wallet (account_id, available, held, transfers, version)
SELECT account_id, 1000000000000 - 3900000, 0, 21, 11 FROM account;

INSERT INTO transfer (account_id, number, id, debit, credit, amount, reason, at)
SELECT account_id, 1, 'credit:1', 'FUNDING', 'AVAILABLE', 1000000000000, 'a measurement', now()
FROM account;

INSERT INTO rental (
    account_id, id, idempotency_key, service, service_name, country, state, price, cost,
    activation_id, phone, messages, created_at, changed_at, expires_at, look_after)
SELECT account_id, account_id || '-' || n, account_id || '-' || n, 'go', 'Google', 'USA', 'COMPLETED', 390000, 300000,
    'earlier-' || account_id || '-' || n, '12025550123', '[]', now(), now(), now(), now()
FROM account, generate_series(1, 10) AS n;

INSERT INTO transfer (account_id, number, id, debit, credit, amount, reason, at)
SELECT account_id, 2 * n, 'rental:' || account_id || '-' || n || ':hold', 'AVAILABLE', 'HELD',
    390000, 'Google', now()
FROM account, generate_series(1, 10) AS n
UNION ALL
SELECT account_id, 2 * n + 1, 'rental:' || account_id || '-' || n || ':capture', 'HELD', 'REVENUE',
    390000, 'Google', now()
FROM account, generate_series(1, 10) AS n;

INSERT INTO step (account_id, rental_id, state, messages, actor, at)
SELECT account_id, id, unnest(ARRAY['REQUESTED', 'WAITING', 'COMPLETED']), 0, 'app', now()
FROM rental;

INSERT INTO idempotency (account_id, key, fingerprint, rental_id, state, claimed_at)
SELECT account_id, id, repeat('f', 64), id, 'FINISHED', now() FROM rental;

INSERT INTO place (number) SELECT generate_series(1, 10000);
