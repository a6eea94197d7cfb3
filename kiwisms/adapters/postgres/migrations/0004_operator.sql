-- What the operator can do about an incident: the balances around it, what is still to be found
-- out, and what became of it.
ALTER TABLE incident RENAME COLUMN balance TO balance_after;
ALTER TABLE incident ADD COLUMN balance_after_at timestamptz;
ALTER TABLE incident ADD COLUMN balance_before bigint;
ALTER TABLE incident ADD COLUMN balance_before_at timestamptz;
ALTER TABLE incident ADD COLUMN due_at timestamptz;
ALTER TABLE incident ADD COLUMN resolved_at timestamptz;
ALTER TABLE incident ADD COLUMN resolution text;
UPDATE incident SET balance_after_at = at WHERE balance_after IS NOT NULL;

CREATE INDEX incident_due ON incident (due_at, account_id, id) WHERE due_at IS NOT NULL;
CREATE INDEX incident_open ON incident (at, id) WHERE resolved_at IS NULL;
CREATE INDEX incident_by_id ON incident (id);
CREATE INDEX incident_by_activation ON incident (activation_id) WHERE activation_id IS NOT NULL;

-- Of the operator and no account: when a message is pushed, nobody knows yet whose number it is.
CREATE TABLE pushed_message (
    id text COLLATE "C" NOT NULL PRIMARY KEY,
    activation_id text COLLATE "C" NOT NULL,
    service text NOT NULL,
    code text,
    text text,
    received_at timestamptz,
    arrived_at timestamptz NOT NULL
);

CREATE INDEX pushed_message_by_activation ON pushed_message (activation_id, arrived_at, id);
CREATE INDEX pushed_message_by_age ON pushed_message (arrived_at, id);

-- Of the operator and no account: what upstream told was left, beside what all books together say.
CREATE TABLE balance_reading (
    at timestamptz NOT NULL PRIMARY KEY,
    balance bigint NOT NULL,
    spent bigint NOT NULL,
    topped_up bigint NOT NULL
);
