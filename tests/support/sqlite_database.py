"""A fake of D1 for the ledger, on SQLite in memory. See ``gateway.memory.ports.Database``."""

import asyncio
import re
import sqlite3
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path

from gateway.http.json_values import JsonObject
from gateway.memory.ports import DatabaseError, Statement
from scripts.tools import ROOT


def statements_in(migrations: Path) -> list[str]:
    """Return the statements of all migrations, in order, without their comments."""
    texts = [path.read_text(encoding="utf-8") for path in sorted(migrations.glob("*.sql"))]
    bare = re.sub(r"--[^\n]*", "", "\n".join(texts))
    return [statement.strip() for statement in bare.split(";") if statement.strip()]


class SqliteDatabase:
    """An empty database with all migrations applied.

    Attributes:
        bound: whether the Worker has a database binding.
        broken: whether every call fails.
        pause_s: how long every call takes, in seconds.
        batches: how many calls there were.
    """

    def __init__(self, *, bound: bool = True) -> None:
        self.bound = bound
        self.broken = False
        self.pause_s = 0.0
        self.batches = 0

    @cached_property
    def _connection(self) -> sqlite3.Connection:
        connection = sqlite3.connect(":memory:", isolation_level=None)
        connection.row_factory = sqlite3.Row
        for statement in statements_in(ROOT / "migrations"):
            connection.execute(statement)
        return connection

    async def batch(self, statements: Sequence[Statement]) -> list[list[JsonObject]]:
        """Run the statements in one transaction; return the rows of each."""
        self.batches += 1
        await asyncio.sleep(self.pause_s)
        if self.broken or not self.bound:
            raise DatabaseError("broken")
        cursor = self._connection.cursor()
        cursor.execute("BEGIN")
        try:
            rows = [[dict(row) for row in cursor.execute(sql, parameters)] for sql, parameters in statements]
        except sqlite3.Error as error:
            cursor.execute("ROLLBACK")
            raise DatabaseError(type(error).__name__) from None
        cursor.execute("COMMIT")
        return rows

    def rows(self, sql: str, *parameters: object) -> list[JsonObject]:
        """Return the rows of a query that a test makes."""
        return [dict(row) for row in self._connection.execute(sql, parameters)]
