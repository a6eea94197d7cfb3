-- The two transactions of a rent, statement by statement, for pgbench.
\set account random(1, 1000)
\set id random(1, 9000000000000000000)

BEGIN;
SELECT available, held, transfers, version FROM wallet WHERE account_id = :account FOR UPDATE \gset
SELECT email, status, suspended_for, password_hash, created_at FROM account
WHERE account_id = :account \gset account_
SELECT count(*) AS known FROM idempotency WHERE account_id = :account AND key = :id \gset
SELECT
    (SELECT count(*) FROM rental WHERE account_id = :account AND state = 'REQUESTED')
    + (SELECT count(*) FROM rental WHERE account_id = :account
       AND state IN ('WAITING', 'RECEIVED') AND expires_at > now()) AS active \gset
SELECT count(*) AS cancelled FROM rental
WHERE account_id = :account AND state = 'CANCELLED' AND changed_at >= now() - interval '1 hour' \gset
SELECT count(*) AS waiting FROM (
    SELECT FROM rental WHERE state IN ('REQUESTED', 'WAITING') LIMIT 100000) AS waiting \gset
INSERT INTO idempotency (account_id, key, fingerprint, rental_id, state, claimed_at)
VALUES (:account, :id, repeat('f', 64), :id, 'RUNNING', now());
INSERT INTO rental (
    account_id, id, idempotency_key, service, service_name, country, state, price, phone, messages,
    created_at, changed_at, expires_at, look_after, due_at)
VALUES (
    :account, :id, :id, 'go', 'Google', 'USA', 'REQUESTED', 390000, '', '[]',
    now(), now(), now() + interval '20 min', now() + interval '25 s', now() + interval '25 s');
UPDATE wallet SET available = available - 390000, held = held + 390000, transfers = transfers + 1,
    version = version + 1
WHERE account_id = :account;
INSERT INTO transfer (account_id, number, id, debit, credit, amount, reason, at)
VALUES (
    :account, :transfers + 1, 'rental:' || :id::text || chr(58) || 'hold', 'AVAILABLE', 'HELD',
    390000, 'Google', now());
INSERT INTO step (account_id, rental_id, state, messages, actor, at)
VALUES (:account, :id, 'REQUESTED', 0, 'app', now());
COMMIT;

-- Upstream has answered at once. Its activation must not be another rental's.
SELECT count(*) AS anothers FROM rental WHERE activation_id = :id \gset

BEGIN;
SELECT available, held, transfers, version FROM wallet WHERE account_id = :account FOR UPDATE \gset
SELECT state, price, key_prefix, idempotency_key, renews, service, service_name, country, cost,
    activation_id, phone, messages, created_at, changed_at, expires_at, asleep_until, done_at,
    look_after, due_at
FROM rental WHERE account_id = :account AND id = :id \gset rental_
SELECT fingerprint, rental_id, state, claimed_at FROM idempotency
WHERE account_id = :account AND key = :id \gset key_
UPDATE rental SET state = 'WAITING', changed_at = now(), activation_id = :id, phone = '12025550123',
    cost = 300000, expires_at = now() + interval '20 min', look_after = now() + interval '3 s',
    due_at = now() + interval '3 s'
WHERE account_id = :account AND id = :id;
UPDATE wallet SET version = version + 1 WHERE account_id = :account;
INSERT INTO step (account_id, rental_id, state, messages, actor, at)
VALUES (:account, :id, 'WAITING', 0, 'app', now());
UPDATE idempotency SET state = 'FINISHED' WHERE account_id = :account AND key = :id;
COMMIT;
