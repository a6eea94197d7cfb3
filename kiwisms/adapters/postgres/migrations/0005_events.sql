-- Which events an address asks for, and below which amount wallet.low is sent.
ALTER TABLE webhook ADD COLUMN events text NOT NULL DEFAULT 'sms.received';
ALTER TABLE webhook ADD COLUMN low bigint CHECK (low > 0);

-- When tries failed, and why.
ALTER TABLE delivery ADD COLUMN failures jsonb NOT NULL DEFAULT '[]'
    CHECK (jsonb_typeof(failures) = 'array');
