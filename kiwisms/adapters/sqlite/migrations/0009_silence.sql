-- A number may have been charged for although no answer was lost: its provider fell silent. SQLite
-- cannot change a constraint, so the table is made again.
CREATE TABLE incident_again (
    account_id TEXT NOT NULL REFERENCES account (account_id),
    id TEXT NOT NULL,
    rental_id TEXT NOT NULL,
    kind TEXT NOT NULL CHECK (
        kind IN (
            'ANSWER_LOST', 'NOBODY_CAME_BACK', 'ANSWER_TOO_LATE', 'PROVIDER_SILENT', 'GIVEN_UP')),
    detail TEXT NOT NULL,
    price INTEGER NOT NULL CHECK (price >= 0),
    balance_before INTEGER,
    balance_before_at INTEGER,
    balance_after INTEGER,
    balance_after_at INTEGER,
    activation_id TEXT,
    at INTEGER NOT NULL,
    due_at INTEGER,
    resolved_at INTEGER,
    resolution TEXT,
    PRIMARY KEY (account_id, id)
) STRICT, WITHOUT ROWID;

INSERT INTO incident_again (
    account_id, id, rental_id, kind, detail, price, balance_before, balance_before_at,
    balance_after, balance_after_at, activation_id, at, due_at, resolved_at, resolution)
SELECT
    account_id, id, rental_id, kind, detail, price, balance_before, balance_before_at,
    balance_after, balance_after_at, activation_id, at, due_at, resolved_at, resolution
FROM incident;

DROP TABLE incident;
ALTER TABLE incident_again RENAME TO incident;

CREATE INDEX incident_by_age ON incident (at, id);
CREATE INDEX incident_due ON incident (due_at) WHERE due_at IS NOT NULL;
CREATE INDEX incident_open ON incident (at, id) WHERE resolved_at IS NULL;
CREATE INDEX incident_by_id ON incident (id);
CREATE INDEX incident_by_activation ON incident (activation_id) WHERE activation_id IS NOT NULL;
