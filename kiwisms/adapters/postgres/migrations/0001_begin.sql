-- Money is in millionths of a dollar. Text that is a key is compared byte by byte.
-- Every primary key begins with the account, which is the unit of locking and of access.

CREATE TABLE account (
    account_id text COLLATE "C" NOT NULL PRIMARY KEY,
    email text COLLATE "C" NOT NULL UNIQUE,
    status text NOT NULL CHECK (status IN ('ACTIVE', 'SUSPENDED')),
    suspended_for text,
    password_hash text,
    created_at timestamptz NOT NULL
);

CREATE TABLE api_key (
    account_id text COLLATE "C" NOT NULL REFERENCES account,
    prefix text COLLATE "C" NOT NULL,
    secret_hash text NOT NULL,
    label text NOT NULL,
    created_at timestamptz NOT NULL,
    revoked_at timestamptz,
    PRIMARY KEY (account_id, prefix)
);

-- version counts the transactions of the account: whoever finds another one than it read was outrun.
CREATE TABLE wallet (
    account_id text COLLATE "C" NOT NULL PRIMARY KEY REFERENCES account,
    available bigint NOT NULL CHECK (available >= 0),
    held bigint NOT NULL CHECK (held >= 0),
    transfers bigint NOT NULL CHECK (transfers >= 0),
    version bigint NOT NULL
);

CREATE TABLE transfer (
    account_id text COLLATE "C" NOT NULL REFERENCES account,
    number bigint NOT NULL CHECK (number > 0),
    id text COLLATE "C" NOT NULL,
    debit text NOT NULL CHECK (debit IN ('FUNDING', 'AVAILABLE', 'HELD', 'REVENUE')),
    credit text NOT NULL CHECK (credit IN ('FUNDING', 'AVAILABLE', 'HELD', 'REVENUE')),
    amount bigint NOT NULL CHECK (amount > 0),
    reason text NOT NULL,
    at timestamptz NOT NULL,
    PRIMARY KEY (account_id, number),
    UNIQUE (account_id, id),
    CHECK (debit <> credit)
);

CREATE TABLE rental (
    account_id text COLLATE "C" NOT NULL REFERENCES account,
    id text COLLATE "C" NOT NULL,
    key_prefix text,
    idempotency_key text,
    renews text,
    service text NOT NULL,
    service_name text NOT NULL,
    country text NOT NULL,
    state text NOT NULL CHECK (
        state IN (
            'REQUESTED', 'WAITING', 'RECEIVED', 'COMPLETED', 'CANCELLED', 'EXPIRED', 'FAILED'
        )
    ),
    price bigint NOT NULL CHECK (price >= 0),
    cost bigint CHECK (cost >= 0),
    activation_id text,
    phone text NOT NULL,
    messages jsonb NOT NULL CHECK (jsonb_typeof(messages) = 'array'),
    created_at timestamptz NOT NULL,
    changed_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    asleep_until timestamptz,
    look_after timestamptz NOT NULL,
    due_at timestamptz,
    PRIMARY KEY (account_id, id)
);

CREATE INDEX rental_due ON rental (due_at, account_id, id) WHERE due_at IS NOT NULL;
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
    account_id text COLLATE "C" NOT NULL REFERENCES account,
    rental_id text COLLATE "C" NOT NULL,
    state text NOT NULL CHECK (
        state IN (
            'REQUESTED', 'WAITING', 'RECEIVED', 'COMPLETED', 'CANCELLED', 'EXPIRED', 'FAILED'
        )
    ),
    messages integer NOT NULL CHECK (messages >= 0),
    actor text NOT NULL,
    at timestamptz NOT NULL,
    PRIMARY KEY (account_id, rental_id, state, messages)
);

CREATE TABLE idempotency (
    account_id text COLLATE "C" NOT NULL REFERENCES account,
    key text COLLATE "C" NOT NULL,
    fingerprint text NOT NULL,
    rental_id text NOT NULL,
    state text NOT NULL CHECK (state IN ('RUNNING', 'FINISHED', 'FREE')),
    claimed_at timestamptz NOT NULL,
    PRIMARY KEY (account_id, key)
);

-- The account's own address has the empty key_prefix.
CREATE TABLE webhook (
    account_id text COLLATE "C" NOT NULL REFERENCES account,
    key_prefix text COLLATE "C" NOT NULL,
    url text NOT NULL,
    sealed_secret text NOT NULL,
    sealed_old_secret text,
    rotated_at timestamptz,
    stopped_at timestamptz,
    PRIMARY KEY (account_id, key_prefix)
);

CREATE TABLE delivery (
    account_id text COLLATE "C" NOT NULL REFERENCES account,
    id text COLLATE "C" NOT NULL,
    key_prefix text,
    event text NOT NULL,
    rental_id text,
    body text NOT NULL,
    status text NOT NULL CHECK (status IN ('PENDING', 'DELIVERED', 'GIVEN_UP')),
    attempts integer NOT NULL CHECK (attempts >= 0),
    tries_left integer NOT NULL CHECK (tries_left >= 0),
    last_error text,
    created_at timestamptz NOT NULL,
    due_at timestamptz,
    PRIMARY KEY (account_id, id)
);

CREATE INDEX delivery_due ON delivery (due_at, account_id, id) WHERE due_at IS NOT NULL;
CREATE INDEX delivery_by_age ON delivery (account_id, created_at, id);
-- For the operator, who looks across accounts.
CREATE INDEX delivery_by_id ON delivery (id);

CREATE TABLE incident (
    account_id text COLLATE "C" NOT NULL REFERENCES account,
    id text COLLATE "C" NOT NULL,
    rental_id text NOT NULL,
    kind text NOT NULL CHECK (kind IN ('ANSWER_LOST', 'NOBODY_CAME_BACK', 'ANSWER_TOO_LATE')),
    detail text NOT NULL,
    price bigint NOT NULL CHECK (price >= 0),
    balance bigint,
    activation_id text,
    at timestamptz NOT NULL,
    PRIMARY KEY (account_id, id)
);

-- For the operator, who looks across accounts.
CREATE INDEX incident_by_age ON incident (at, id);
