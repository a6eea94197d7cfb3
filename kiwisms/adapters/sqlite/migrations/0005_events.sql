-- Which events an address asks for, and below which amount wallet.low is sent.
ALTER TABLE webhook ADD COLUMN events TEXT NOT NULL DEFAULT 'sms.received';
ALTER TABLE webhook ADD COLUMN low INTEGER CHECK (low > 0);

-- When tries failed, and why.
ALTER TABLE delivery ADD COLUMN failures TEXT NOT NULL DEFAULT '[]'
    CHECK (json_type(failures) = 'array');
