-- The keys that are made while the gateway runs, and who changed them. Only digests of tokens are stored.
-- Times are Unix milliseconds.

CREATE TABLE keys (
  name TEXT PRIMARY KEY,            -- the name of the key in the ledger
  id TEXT NOT NULL,                 -- random; tells this key apart from an earlier one of the same name
  sha256 TEXT NOT NULL UNIQUE,      -- the token's digest: 64 hexadecimal digits
  old_sha256 TEXT UNIQUE,           -- after a rotation: the digest of the token before this one
  old_until_ms INTEGER,             -- from then on the old token is refused
  bounds TEXT NOT NULL,             -- JSON: the fields of a key in GATEWAY_KEYS, without its name and token
  created_at_ms INTEGER NOT NULL,
  changed_at_ms INTEGER NOT NULL,
  revoked_at_ms INTEGER,            -- NULL: it is not revoked
  last_change TEXT NOT NULL         -- the id of the last change, by which its row in key_changes is written
);
-- Preflights of browsers ask for these only.
CREATE INDEX keys_with_origins ON keys (name) WHERE json_type(bounds, '$.origins') IS NOT NULL;

CREATE TABLE key_changes (
  id INTEGER PRIMARY KEY,
  at_ms INTEGER NOT NULL,
  changed_by TEXT NOT NULL,         -- the name of the admin's key
  key TEXT NOT NULL,                -- the name of the key that was changed
  action TEXT NOT NULL,             -- made, changed, rotated or revoked
  fields TEXT NOT NULL              -- JSON: the new value of each field that was set; null: it was removed
);
CREATE INDEX key_changes_by_key ON key_changes (key, id);
