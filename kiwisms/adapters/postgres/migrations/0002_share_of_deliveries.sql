-- A claim goes from one account to the next and takes a few of each.

CREATE INDEX delivery_due_of_account ON delivery (account_id, due_at, id)
    WHERE due_at IS NOT NULL;
