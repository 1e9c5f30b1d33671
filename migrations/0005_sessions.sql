-- What sessions have cost, so that a budget of a session counts across isolates. A session is a digest of its name and
-- its caller: 32 hexadecimal digits.

CREATE TABLE session_spend (
  session TEXT PRIMARY KEY,
  day TEXT NOT NULL,                -- YYYY-MM-DD, of its last request
  cost_micros INTEGER NOT NULL
) WITHOUT ROWID;
CREATE INDEX session_spend_by_day ON session_spend (day);

-- The session of an unsettled cost and of a reservation; NULL: the request named none.
ALTER TABLE unsettled ADD COLUMN session TEXT;
CREATE INDEX unsettled_by_session ON unsettled (session) WHERE session IS NOT NULL;
ALTER TABLE reservations ADD COLUMN session TEXT;
CREATE INDEX reservations_by_session ON reservations (session) WHERE session IS NOT NULL;
