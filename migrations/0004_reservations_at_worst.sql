-- A reservation holds an estimate (`micros`) while its request is in flight. If its isolate is killed, nobody sees the
-- end of the answer: the reservation then counts at the most that the request may cost.

ALTER TABLE reservations ADD COLUMN worst_micros INTEGER NOT NULL DEFAULT 0;
