-- The ledger: a row for each request, what each key has spent by day, what is not settled yet, which alerts went out.
-- Amounts are whole micro-dollars, times Unix milliseconds, days UTC's. No prompts, no answers, no keys.

CREATE TABLE requests (
  id INTEGER PRIMARY KEY,
  ticket TEXT NOT NULL UNIQUE,      -- the gateway's own name for it; request_id the caller may choose
  at_ms INTEGER NOT NULL,           -- when it began
  request_id TEXT NOT NULL,
  key TEXT NOT NULL,                -- the name of the caller's key
  route TEXT,                       -- the task by which the model came that served
  requested TEXT NOT NULL,          -- the first model that was asked for
  served TEXT,
  upstream TEXT,                    -- whose model that is: openrouter, or one that is asked directly
  provider TEXT,                    -- OpenRouter's name for who served
  attempts INTEGER NOT NULL,
  outcome TEXT NOT NULL,            -- answered, or the code of what it ended in
  stream INTEGER NOT NULL,
  prompt_tokens INTEGER NOT NULL,
  completion_tokens INTEGER NOT NULL,
  reasoning_tokens INTEGER NOT NULL,
  cached_tokens INTEGER NOT NULL,
  cost_micros INTEGER NOT NULL,
  estimated_micros INTEGER NOT NULL, -- what of it is an upper bound, since nobody will ever say what it was
  cost_state TEXT NOT NULL,         -- known; pending: more may come from unsettled; estimated: an upper bound is in it
  billed_failures INTEGER NOT NULL, -- attempts that failed and were, or may have been, billed
  first_ms INTEGER,                 -- to the first progress of a stream
  total_ms INTEGER NOT NULL
);
CREATE INDEX requests_by_time ON requests (at_ms);
CREATE INDEX requests_by_key ON requests (key, at_ms);

CREATE TABLE spend (
  key TEXT NOT NULL,
  day TEXT NOT NULL,                -- YYYY-MM-DD
  cost_micros INTEGER NOT NULL,
  requests INTEGER NOT NULL,
  PRIMARY KEY (key, day)
) WITHOUT ROWID;
CREATE INDEX spend_by_day ON spend (day);

CREATE TABLE unsettled (
  generation_id TEXT PRIMARY KEY,
  ticket TEXT NOT NULL,
  key TEXT NOT NULL,
  day TEXT NOT NULL,
  worst_micros INTEGER NOT NULL,    -- what is booked if nobody ever says what it cost
  tries INTEGER NOT NULL,
  next_at_ms INTEGER NOT NULL
) WITHOUT ROWID;
CREATE INDEX unsettled_by_time ON unsettled (next_at_ms);
CREATE INDEX unsettled_by_ticket ON unsettled (ticket);

CREATE TABLE alerts (
  key TEXT NOT NULL,                -- a key's name, or * for all of them together
  period TEXT NOT NULL,             -- YYYY-MM-DD or YYYY-MM
  threshold INTEGER NOT NULL,       -- percent
  at_ms INTEGER NOT NULL,
  PRIMARY KEY (key, period, threshold)
) WITHOUT ROWID;
