-- While a number is open it is one customer's. Where several had one when this began, all but the
-- first are marked, and left to their ends.
ALTER TABLE rental ADD COLUMN shares_number boolean NOT NULL DEFAULT false;

UPDATE rental SET shares_number = true FROM (
    SELECT account_id, id,
        row_number() OVER (PARTITION BY activation_id ORDER BY created_at, account_id, id) AS nth
    FROM rental WHERE state IN ('WAITING', 'RECEIVED') AND activation_id IS NOT NULL) AS open
WHERE rental.account_id = open.account_id AND rental.id = open.id AND open.nth > 1;

CREATE UNIQUE INDEX rental_of_number ON rental (activation_id)
    WHERE state IN ('WAITING', 'RECEIVED') AND NOT shares_number;
