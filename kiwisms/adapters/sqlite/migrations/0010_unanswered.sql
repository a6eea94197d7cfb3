-- How often upstream was asked in vain since the incident: patience counts only what was asked.
ALTER TABLE incident ADD COLUMN unanswered INTEGER NOT NULL DEFAULT 0 CHECK (unanswered >= 0);
