-- Who did what to an account, other than to its rentals, whose steps tell that.

CREATE TABLE trail (
    account_id text COLLATE "C" NOT NULL REFERENCES account,
    at timestamptz NOT NULL,
    id text COLLATE "C" NOT NULL,
    actor text NOT NULL,
    action text NOT NULL,
    subject text NOT NULL,
    detail text NOT NULL,
    PRIMARY KEY (account_id, at, id)
);
