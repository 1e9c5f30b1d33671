"""The database: D1, bound as ``LEDGER``; see ``ports.Database``."""

import json
from collections.abc import Sequence
from typing import Any

import js
from pyodide.ffi import JsException, to_js

from gateway.http.json_values import Json, JsonObject
from gateway.memory.ports import DatabaseError, Statement


class D1Database:
    """The binding ``LEDGER``; without it every call fails."""

    def __init__(self, env: Any) -> None:
        self._d1 = getattr(env, "LEDGER", None)
        self.bound = bool(self._d1)

    async def batch(self, statements: Sequence[Statement]) -> list[list[JsonObject]]:
        """Run the statements in one transaction; return the rows of each."""
        if not self._d1:
            raise DatabaseError("LEDGER is not bound")
        try:
            prepared = [_bound(self._d1.prepare(sql), parameters) for sql, parameters in statements]
            results = await self._d1.batch(to_js(prepared))
        except JsException as error:
            raise DatabaseError(error.name) from None
        # As text: one crossing for all rows, and null is None on every runtime.
        text = js.JSON.stringify(to_js([result.results for result in results]))
        rows: list[list[JsonObject]] = json.loads(text)
        return rows


def _bound(statement: Any, parameters: tuple[Json, ...]) -> Any:
    """Return a statement with its parameters.

    From Python None would cross as undefined, which D1 refuses: JavaScript parses its own null.
    """
    return statement.bind.apply(statement, js.JSON.parse(json.dumps(parameters))) if parameters else statement
