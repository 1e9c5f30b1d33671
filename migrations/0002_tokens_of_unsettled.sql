-- What an answer has said of its tokens is in its request's row at once, also where it has not said its cost:
-- settling that adds none.

ALTER TABLE unsettled ADD COLUMN has_tokens INTEGER NOT NULL DEFAULT 0;
