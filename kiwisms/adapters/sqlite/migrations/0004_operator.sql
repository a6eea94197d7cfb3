-- What the operator can do about an incident: the balances around it, what is still to be found
-- out, and what became of it.
ALTER TABLE incident RENAME COLUMN balance TO balance_after;
ALTER TABLE incident ADD COLUMN balance_after_at INTEGER;
ALTER TABLE incident ADD COLUMN balance_before INTEGER;
ALTER TABLE incident ADD COLUMN balance_before_at INTEGER;
ALTER TABLE incident ADD COLUMN due_at INTEGER;
ALTER TABLE incident ADD COLUMN resolved_at INTEGER;
ALTER TABLE incident ADD COLUMN resolution TEXT;
UPDATE incident SET balance_after_at = at WHERE balance_after IS NOT NULL;

CREATE INDEX incident_due ON incident (due_at) WHERE due_at IS NOT NULL;
CREATE INDEX incident_open ON incident (at, id) WHERE resolved_at IS NULL;
CREATE INDEX incident_by_id ON incident (id);
CREATE INDEX incident_by_activation ON incident (activation_id) WHERE activation_id IS NOT NULL;

-- Of the operator and no account: when a message is pushed, nobody knows yet whose number it is.
CREATE TABLE pushed_message (
    id TEXT NOT NULL PRIMARY KEY,
    activation_id TEXT NOT NULL,
    service TEXT NOT NULL,
    code TEXT,
    text TEXT,
    received_at INTEGER,
    arrived_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX pushed_message_by_activation ON pushed_message (activation_id, arrived_at, id);
CREATE INDEX pushed_message_by_age ON pushed_message (arrived_at, id);

-- Of the operator and no account: what upstream told was left, beside what all books together say.
CREATE TABLE balance_reading (
    at INTEGER NOT NULL PRIMARY KEY,
    balance INTEGER NOT NULL,
    spent INTEGER NOT NULL,
    topped_up INTEGER NOT NULL
) STRICT;
