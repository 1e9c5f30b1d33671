"""The ledger's database: Cloudflare D1, bound as ``LEDGER``; see ``memory.ports.Database``."""

import json
from collections.abc import Sequence
from typing import Any

import js
from pyodide.ffi import JsException, to_js

from gateway.http.json_values import Json, JsonObject
from gateway.memory.ports import DatabaseError, Statement


class D1Database:
    """The D1 binding ``LEDGER``. Without it every call raises ``DatabaseError``."""

    def __init__(self, env: Any) -> None:
        self._d1 = getattr(env, "LEDGER", None)
        self.bound = bool(self._d1)

    async def batch(self, statements: Sequence[Statement]) -> list[list[JsonObject]]:
        """Run the statements in one transaction; return the rows of each.

        Raises:
            DatabaseError: D1 failed, or is not bound.
        """
        if not self._d1:
            raise DatabaseError("LEDGER is not bound")
        try:
            prepared = [_bound(self._d1.prepare(sql), parameters) for sql, parameters in statements]
            results = await self._d1.batch(to_js(prepared))
        except JsException as error:
            raise DatabaseError(error.name) from None
        # As JSON text: all rows cross to Python at once, and null becomes None on every runtime.
        text = js.JSON.stringify(to_js([result.results for result in results]))
        rows: list[list[JsonObject]] = json.loads(text)
        return rows


def _bound(statement: Any, parameters: tuple[Json, ...]) -> Any:
    """Return the statement with its parameters bound.

    Python's None would become undefined, which D1 refuses. So JavaScript parses the parameters from JSON.
    """
    return statement.bind.apply(statement, js.JSON.parse(json.dumps(parameters))) if parameters else statement
