-- Who did what to an account, other than to its rentals, whose steps tell that.

CREATE TABLE trail (
    account_id TEXT NOT NULL REFERENCES account (account_id),
    at INTEGER NOT NULL,
    id TEXT NOT NULL,
    actor TEXT NOT NULL,
    action TEXT NOT NULL,
    subject TEXT NOT NULL,
    detail TEXT NOT NULL,
    PRIMARY KEY (account_id, at, id)
) STRICT, WITHOUT ROWID;
