-- The ledger: a row for each request, the cost of each key by day, unsettled costs, and sent alerts.
-- Amounts are integers in micro-dollars, times are Unix milliseconds, days are UTC.
-- It holds no prompts, no answers and no keys.

CREATE TABLE requests (
  id INTEGER PRIMARY KEY,
  ticket TEXT NOT NULL UNIQUE,      -- the gateway's own id of the request; the caller may choose request_id
  at_ms INTEGER NOT NULL,           -- when the request began
  request_id TEXT NOT NULL,
  key TEXT NOT NULL,                -- the name of the caller's key
  route TEXT,                       -- the task route that added the model that answered; null: none did
  requested TEXT NOT NULL,          -- the first requested model
  served TEXT,
  upstream TEXT,                    -- openrouter, or the name of a direct upstream
  provider TEXT,                    -- the provider that answered, by OpenRouter's name
  attempts INTEGER NOT NULL,
  outcome TEXT NOT NULL,            -- answered, or the code of the error
  stream INTEGER NOT NULL,
  prompt_tokens INTEGER NOT NULL,
  completion_tokens INTEGER NOT NULL,
  reasoning_tokens INTEGER NOT NULL,
  cached_tokens INTEGER NOT NULL,
  cost_micros INTEGER NOT NULL,
  estimated_micros INTEGER NOT NULL, -- the part of cost_micros that is only an upper bound
  cost_state TEXT NOT NULL,         -- known; pending: more may come; estimated: includes an upper bound
  billed_failures INTEGER NOT NULL, -- failed attempts that were, or may have been, billed
  first_ms INTEGER,                 -- until the first progress of a stream
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
  worst_micros INTEGER NOT NULL,    -- what is recorded if the real cost stays unknown
  tries INTEGER NOT NULL,
  next_at_ms INTEGER NOT NULL
) WITHOUT ROWID;
CREATE INDEX unsettled_by_time ON unsettled (next_at_ms);
CREATE INDEX unsettled_by_ticket ON unsettled (ticket);

CREATE TABLE alerts (
  key TEXT NOT NULL,                -- a key's name, or * for all keys together
  period TEXT NOT NULL,             -- YYYY-MM-DD or YYYY-MM
  threshold INTEGER NOT NULL,       -- percent
  at_ms INTEGER NOT NULL,
  PRIMARY KEY (key, period, threshold)
) WITHOUT ROWID;
