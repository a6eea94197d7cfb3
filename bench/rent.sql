-- The two transactions of a rent, statement by statement, for pgbench. They read and write the same
-- rows as kiwisms. Where this script locks the wallet, kiwisms checks its version instead.
\set account random(1, 1000)
\set id random(1, 9000000000000000000)

BEGIN;
SELECT available, held, transfers, version FROM wallet WHERE account_id = :account FOR UPDATE \gset
SELECT email, status, suspended_for, password_hash, created_at FROM account
WHERE account_id = :account \gset account_
SELECT count(*) AS known FROM idempotency WHERE account_id = :account AND key = :id \gset
SELECT count(*) AS addresses FROM webhook WHERE account_id = :account AND key_prefix = '' \gset
SELECT
    (SELECT count(*) FROM rental WHERE account_id = :account AND state = 'REQUESTED')
    + (SELECT count(*) FROM rental WHERE account_id = :account
       AND state IN ('WAITING', 'RECEIVED') AND expires_at > now()) AS active \gset
SELECT count(*) AS cancelled FROM step
WHERE account_id = :account AND state = 'CANCELLED' AND actor <> 'worker'
AND at >= now() - interval '1 hour' \gset
SELECT number AS place FROM place WHERE account_id IS NULL AND number <= 100000 ORDER BY number
OFFSET (SELECT count(*) FROM place WHERE account_id IS NOT NULL AND number > 100000) LIMIT 1
FOR NO KEY UPDATE SKIP LOCKED \gset
UPDATE wallet SET available = available - 390000, held = held + 390000, transfers = transfers + 1,
    version = version + 1
WHERE account_id = :account;
INSERT INTO idempotency (account_id, key, fingerprint, rental_id, state, claimed_at)
VALUES (:account, :id, repeat('f', 64), :id, 'RUNNING', now());
INSERT INTO rental (
    account_id, id, idempotency_key, service, service_name, country, state, price, phone, messages,
    created_at, changed_at, expires_at, look_after, due_at)
VALUES (
    :account, :id, :id, 'go', 'Google', 'USA', 'REQUESTED', 390000, '', '[]',
    now(), now(), now() + interval '20 min', now() + interval '60 s', now() + interval '60 s');
INSERT INTO transfer (account_id, number, id, debit, credit, amount, reason, at)
VALUES (
    :account, :transfers + 1, 'rental:' || :id::text || chr(58) || 'hold', 'AVAILABLE', 'HELD',
    390000, 'Google', now());
INSERT INTO step (account_id, rental_id, state, messages, actor, at)
VALUES (:account, :id, 'REQUESTED', 0, 'app', now());
UPDATE place SET account_id = :account, rental_id = :id WHERE number = :place;
COMMIT;

-- Upstream has answered at once. Like kiwisms, this reads nothing again: it knows what it wrote.

BEGIN;
UPDATE wallet SET version = version + 1 WHERE account_id = :account;
UPDATE rental SET state = 'WAITING', changed_at = now(), activation_id = :id, phone = '12025550123',
    cost = 300000, expires_at = now() + interval '20 min', look_after = now() + interval '3 s',
    due_at = now() + interval '3 s'
WHERE account_id = :account AND id = :id;
INSERT INTO step (account_id, rental_id, state, messages, actor, at)
VALUES (:account, :id, 'WAITING', 0, 'app', now());
UPDATE idempotency SET state = 'FINISHED' WHERE account_id = :account AND key = :id;
COMMIT;
