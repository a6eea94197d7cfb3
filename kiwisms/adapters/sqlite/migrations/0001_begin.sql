-- Money is in millionths of a dollar, times are in microseconds since 1970 in UTC.
-- Every primary key begins with the account, which is the unit of locking and of access.

CREATE TABLE account (
    id TEXT NOT NULL PRIMARY KEY,
    email TEXT NOT NULL UNIQUE,
    status TEXT NOT NULL CHECK (status IN ('ACTIVE', 'SUSPENDED')),
    suspended_for TEXT,
    password_hash TEXT,
    created_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE api_key (
    account_id TEXT NOT NULL REFERENCES account (id),
    prefix TEXT NOT NULL,
    secret_hash TEXT NOT NULL,
    label TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    revoked_at INTEGER,
    PRIMARY KEY (account_id, prefix)
) STRICT, WITHOUT ROWID;

-- version counts the transactions of the account: whoever finds another one than it read was outrun.
CREATE TABLE wallet (
    account_id TEXT NOT NULL PRIMARY KEY REFERENCES account (id),
    available INTEGER NOT NULL CHECK (available >= 0),
    held INTEGER NOT NULL CHECK (held >= 0),
    transfers INTEGER NOT NULL CHECK (transfers >= 0),
    version INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE transfer (
    account_id TEXT NOT NULL REFERENCES account (id),
    number INTEGER NOT NULL CHECK (number > 0),
    id TEXT NOT NULL,
    debit TEXT NOT NULL CHECK (debit IN ('FUNDING', 'AVAILABLE', 'HELD', 'REVENUE')),
    credit TEXT NOT NULL CHECK (credit IN ('FUNDING', 'AVAILABLE', 'HELD', 'REVENUE')),
    amount INTEGER NOT NULL CHECK (amount > 0),
    reason TEXT NOT NULL,
    at INTEGER NOT NULL,
    PRIMARY KEY (account_id, number),
    UNIQUE (account_id, id),
    CHECK (debit <> credit)
) STRICT, WITHOUT ROWID;

CREATE TABLE rental (
    account_id TEXT NOT NULL REFERENCES account (id),
    id TEXT NOT NULL,
    key_prefix TEXT,
    idempotency_key TEXT,
    renews TEXT,
    service TEXT NOT NULL,
    service_name TEXT NOT NULL,
    country TEXT NOT NULL,
    state TEXT NOT NULL CHECK (
        state IN (
            'REQUESTED', 'WAITING', 'RECEIVED', 'COMPLETED', 'CANCELLED', 'EXPIRED', 'FAILED'
        )
    ),
    price INTEGER NOT NULL CHECK (price >= 0),
    cost INTEGER CHECK (cost >= 0),
    activation_id TEXT,
    phone TEXT NOT NULL,
    messages TEXT NOT NULL CHECK (json_type(messages) = 'array'),
    created_at INTEGER NOT NULL,
    changed_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    asleep_until INTEGER,
    look_after INTEGER NOT NULL,
    due_at INTEGER,
    PRIMARY KEY (account_id, id)
) STRICT, WITHOUT ROWID;

CREATE INDEX rental_due ON rental (due_at) WHERE due_at IS NOT NULL;
CREATE INDEX rental_open ON rental (account_id, created_at, id)
    WHERE state IN ('WAITING', 'RECEIVED');
CREATE INDEX rental_undecided ON rental (account_id, state)
    WHERE state IN ('REQUESTED', 'WAITING');
CREATE INDEX rental_cancelled ON rental (account_id, changed_at) WHERE state = 'CANCELLED';
-- For the operator, who looks across accounts.
CREATE INDEX rental_by_id ON rental (id);
CREATE INDEX rental_by_age ON rental (created_at, id);
CREATE INDEX rental_by_age_in_account ON rental (account_id, created_at, id);

CREATE TABLE step (
    account_id TEXT NOT NULL REFERENCES account (id),
    rental_id TEXT NOT NULL,
    state TEXT NOT NULL CHECK (
        state IN (
            'REQUESTED', 'WAITING', 'RECEIVED', 'COMPLETED', 'CANCELLED', 'EXPIRED', 'FAILED'
        )
    ),
    messages INTEGER NOT NULL CHECK (messages >= 0),
    actor TEXT NOT NULL,
    at INTEGER NOT NULL,
    PRIMARY KEY (account_id, rental_id, state, messages)
) STRICT, WITHOUT ROWID;

CREATE TABLE idempotency (
    account_id TEXT NOT NULL REFERENCES account (id),
    key TEXT NOT NULL,
    fingerprint TEXT NOT NULL,
    rental_id TEXT NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('RUNNING', 'FINISHED', 'FREE')),
    claimed_at INTEGER NOT NULL,
    PRIMARY KEY (account_id, key)
) STRICT, WITHOUT ROWID;

-- The account's own address has the empty key_prefix.
CREATE TABLE webhook (
    account_id TEXT NOT NULL REFERENCES account (id),
    key_prefix TEXT NOT NULL,
    url TEXT NOT NULL,
    sealed_secret TEXT NOT NULL,
    sealed_old_secret TEXT,
    rotated_at INTEGER,
    stopped_at INTEGER,
    PRIMARY KEY (account_id, key_prefix)
) STRICT, WITHOUT ROWID;

CREATE TABLE delivery (
    account_id TEXT NOT NULL REFERENCES account (id),
    id TEXT NOT NULL,
    key_prefix TEXT,
    event TEXT NOT NULL,
    rental_id TEXT,
    body TEXT NOT NULL,
    status TEXT NOT NULL CHECK (status IN ('PENDING', 'DELIVERED', 'GIVEN_UP')),
    attempts INTEGER NOT NULL CHECK (attempts >= 0),
    tries_left INTEGER NOT NULL CHECK (tries_left >= 0),
    last_error TEXT,
    created_at INTEGER NOT NULL,
    due_at INTEGER,
    PRIMARY KEY (account_id, id)
) STRICT, WITHOUT ROWID;

CREATE INDEX delivery_due ON delivery (due_at) WHERE due_at IS NOT NULL;
CREATE INDEX delivery_due_of_account ON delivery (account_id, due_at, id)
    WHERE due_at IS NOT NULL;
CREATE INDEX delivery_by_age ON delivery (account_id, created_at, id);
-- For the operator, who looks across accounts.
CREATE INDEX delivery_by_id ON delivery (id);

CREATE TABLE incident (
    account_id TEXT NOT NULL REFERENCES account (id),
    id TEXT NOT NULL,
    rental_id TEXT NOT NULL,
    kind TEXT NOT NULL CHECK (kind IN ('ANSWER_LOST', 'NOBODY_CAME_BACK', 'ANSWER_TOO_LATE')),
    detail TEXT NOT NULL,
    price INTEGER NOT NULL CHECK (price >= 0),
    balance INTEGER,
    activation_id TEXT,
    at INTEGER NOT NULL,
    PRIMARY KEY (account_id, id)
) STRICT, WITHOUT ROWID;

-- For the operator, who looks across accounts.
CREATE INDEX incident_by_age ON incident (at, id);
