-- While a number is open it is one customer's. Where several had one when this began, all but the
-- first are marked, and left to their ends.
ALTER TABLE rental ADD COLUMN shares_number INTEGER NOT NULL DEFAULT 0;

UPDATE rental SET shares_number = 1 WHERE (account_id, id) IN (
    SELECT account_id, id FROM (
        SELECT account_id, id,
            row_number() OVER (PARTITION BY activation_id ORDER BY created_at, account_id, id) AS nth
        FROM rental WHERE state IN ('WAITING', 'RECEIVED') AND activation_id IS NOT NULL)
    WHERE nth > 1);

CREATE UNIQUE INDEX rental_of_number ON rental (activation_id)
    WHERE state IN ('WAITING', 'RECEIVED') AND NOT shares_number;
