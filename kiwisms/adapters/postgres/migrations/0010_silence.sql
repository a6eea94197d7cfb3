-- A number may have been charged for although no answer was lost: its provider fell silent.
ALTER TABLE incident DROP CONSTRAINT incident_kind_check;
ALTER TABLE incident ADD CONSTRAINT incident_kind_check CHECK (
    kind IN ('ANSWER_LOST', 'NOBODY_CAME_BACK', 'ANSWER_TOO_LATE', 'PROVIDER_SILENT', 'GIVEN_UP'));
