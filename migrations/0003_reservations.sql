-- What a request in flight may cost, so that an isolate that is killed forgets nothing. The row of the request replaces
-- it in the same transaction. Readings of a budget count reservations and unsettled costs at their ceiling.

CREATE TABLE reservations (
  ticket TEXT PRIMARY KEY,          -- the ticket of the request
  key TEXT NOT NULL,                -- the name of the caller's key
  day TEXT NOT NULL,                -- YYYY-MM-DD, when the request began
  micros INTEGER NOT NULL,          -- the most that it may cost
  isolate TEXT NOT NULL,            -- which isolate made it: that isolate counts the request in its own memory
  request_id TEXT NOT NULL,
  at_ms INTEGER NOT NULL            -- when the request began
) WITHOUT ROWID;
CREATE INDEX reservations_by_time ON reservations (at_ms);

CREATE INDEX unsettled_by_key ON unsettled (key, day);

-- When an alert was last sent without the webhook having taken it: it is sent again later. NULL: it was taken.
ALTER TABLE alerts ADD COLUMN pending_at_ms INTEGER;
