-- When somebody was done with a number, before upstream was asked to finish it.
ALTER TABLE rental ADD COLUMN done_at INTEGER;
