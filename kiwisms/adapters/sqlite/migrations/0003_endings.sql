-- When somebody was done with a number, before upstream was asked to finish it.
ALTER TABLE rental ADD COLUMN done_at INTEGER;

-- Upstream's ids are looked up across accounts.
CREATE INDEX rental_by_activation ON rental (activation_id) WHERE activation_id IS NOT NULL;
