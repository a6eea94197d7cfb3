-- A cancel counts against the customer who made it, and not when upstream took the number back.
DROP INDEX rental_cancelled;
CREATE INDEX step_cancelled ON step (account_id, at)
    WHERE state = 'CANCELLED' AND actor <> 'worker';
