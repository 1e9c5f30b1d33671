"""The tables in which a coordinator keeps all that it knows. Numbers are whole, and columns have types.

A Durable Object binds every number as a float. A column of the type INTEGER stores a whole one as an integer.
Each row that is written costs, and so does each entry of an index: hence tables without row ids, and an index
of few rows.
"""

from gateway.coordination.storage import Storage, Value

TABLES = (
    # What is spent in a day, or in all earlier ones. `at_ms`: when it changed last.
    "CREATE TABLE IF NOT EXISTS spend "
    "(period TEXT PRIMARY KEY, micros INTEGER NOT NULL, at_ms INTEGER NOT NULL) WITHOUT ROWID",
    # What isolates were granted. `open`: whether money is held, or its request is in flight. `written_off`:
    # what was held when nobody had reported in time; it counts as spent in the day `written_off_day`.
    "CREATE TABLE IF NOT EXISTS grants "
    "(id TEXT PRIMARY KEY, open INTEGER NOT NULL, until_ms INTEGER NOT NULL, number INTEGER NOT NULL, "
    "micros INTEGER NOT NULL, held INTEGER NOT NULL, spent INTEGER NOT NULL, busy INTEGER NOT NULL, "
    "requests INTEGER NOT NULL, unused INTEGER NOT NULL, slot INTEGER NOT NULL, for_ms INTEGER NOT NULL, "
    "written_off INTEGER NOT NULL, written_off_day TEXT NOT NULL) WITHOUT ROWID",
    "CREATE INDEX IF NOT EXISTS grants_open ON grants (until_ms) WHERE open = 1",
    # How many requests each slot of the last minute has.
    "CREATE TABLE IF NOT EXISTS calls (slot INTEGER PRIMARY KEY, count INTEGER NOT NULL)",
    # See `coordination.messages.Cooldown`. `changed`: the number of its last change.
    "CREATE TABLE IF NOT EXISTS cooldowns "
    "(place TEXT PRIMARY KEY, began_ms INTEGER NOT NULL, until_ms INTEGER NOT NULL, "
    "probed_ms INTEGER NOT NULL, changed INTEGER NOT NULL) WITHOUT ROWID",
)


def create_tables(storage: Storage) -> None:
    """Create the tables that are not there."""
    for statement in TABLES:
        storage.rows(statement)


def one_number(storage: Storage, sql: str, *values: Value) -> int:
    """Return the number in the only column of a query's only row; 0 if there is none."""
    rows = storage.rows(sql, *values)
    value = next(iter(rows[0].values())) if rows else None
    return whole_in(value)


def whole_in(value: Value) -> int:
    """Return the whole number in a column; 0 if there is none."""
    return int(value) if isinstance(value, (int, float)) else 0
