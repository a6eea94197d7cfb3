-- How many numbers may wait upstream is limited for all accounts together. So each takes a place,
-- which is a row, and those who take one at the same time need not wait for each other, as they
-- would for a count. Rows are added as they are needed. A place that is free is nobody's.
CREATE TABLE place (
    number integer NOT NULL PRIMARY KEY CHECK (number > 0),
    account_id text COLLATE "C",
    rental_id text COLLATE "C",
    CHECK ((account_id IS NULL) = (rental_id IS NULL))
);

CREATE INDEX place_free ON place (number) WHERE account_id IS NULL;
CREATE UNIQUE INDEX place_of_rental ON place (account_id, rental_id) WHERE account_id IS NOT NULL;

INSERT INTO place (number, account_id, rental_id)
SELECT row_number() OVER (ORDER BY created_at, account_id, id), account_id, id
FROM rental WHERE state IN ('REQUESTED', 'WAITING');
