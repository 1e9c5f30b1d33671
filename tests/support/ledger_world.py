"""A world with a ledger, and a catalogue of two models at the prices of ``planning.listed``."""

from tests.support.planning import catalog_of, listed
from tests.support.sqlite_database import SqliteDatabase
from tests.support.world import World


def ledger_world(**env: str) -> World:
    """Return an isolate with a ledger."""
    made = World(env, database=SqliteDatabase())
    made.memory.catalog.catalog = catalog_of(listed("a/one"), listed("b/two"))
    return made
