-- Whether the request's row already includes the tokens: an answer may report its tokens without its cost.
-- Settling that cost later must not add the tokens again.

ALTER TABLE unsettled ADD COLUMN has_tokens INTEGER NOT NULL DEFAULT 0;
