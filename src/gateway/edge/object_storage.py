"""The storage of a Durable Object: SQL, transactions and an alarm; see ``coordination.storage.Storage``.

The built-in SDK passes an object's raw context; later SDKs wrap it and convert values. The adapter takes the
raw objects out of the wrappers, so it does the same with both.
"""

import json
import math
from collections.abc import Callable
from typing import Any, TypeVar

import js
from pyodide.ffi import create_proxy

from gateway.coordination.storage import Value

T = TypeVar("T")
# JavaScript's numbers are exact up to here. A larger one would be stored as another number.
MAX_EXACT_NUMBER = 2**53 - 1


class ObjectStorage:
    """The SQL database and the alarm of one Durable Object.

    Args:
        ctx: the object's context, as the SDK passes it.
    """

    def __init__(self, ctx: Any) -> None:
        storage = getattr(ctx, "_ctx", ctx).storage
        self._storage = getattr(storage, "_binding", storage)
        self._sql = self._storage.sql
        self._to_json = js.JSON.stringify

    def rows(self, sql: str, *values: Value) -> list[dict[str, Value]]:
        """Run one statement with ``?`` for each value; return its rows.

        JavaScript has no integers: SQLite gets each number as a float. A column of type INTEGER turns a whole
        one into an integer again.

        Raises:
            ValueError: a value is a number that JavaScript or SQLite does not hold.
            JsException: SQLite refused the statement.
        """
        if not all(map(_fits, values)):
            raise ValueError("a number is too large, or not finite")
        if None in values:
            # Python's None would become undefined. Parsing takes three times as long as passing the values.
            cursor = self._sql.exec.apply(self._sql, js.JSON.parse(json.dumps([sql, *values])))
        else:
            cursor = self._sql.exec(sql, *values)
        # As JSON text: all rows cross to Python at once, and null becomes None on every runtime.
        found: list[dict[str, Value]] = json.loads(self._to_json(cursor.toArray()))
        return found

    def transaction(self, work: Callable[[], T]) -> T:
        """Return what ``work`` returns; store all that it has written.

        If ``work`` raises, nothing is stored, and its exception is raised.
        """
        results: list[T] = []
        raised: list[BaseException] = []

        def run() -> None:
            try:
                results.append(work())
            except BaseException as error:
                raised.append(error)
                raise

        proxy = create_proxy(run)
        try:
            self._storage.transactionSync(proxy)
        except BaseException:
            # The runtime may have replaced the exception on its way through JavaScript.
            if raised:
                raise raised[0] from None
            raise
        finally:
            proxy.destroy()
        return results[0]

    async def alarm_at(self) -> int | None:
        """Return when the alarm fires, in Unix milliseconds; None if none is set."""
        at_ms = await self._storage.getAlarm()
        return int(at_ms) if at_ms else None  # a missing value is None or jsnull, depending on the runtime

    async def set_alarm(self, at_ms: int | None) -> None:
        """Set the alarm, which replaces the earlier one; None removes it."""
        if at_ms is None:
            await self._storage.deleteAlarm()
        else:
            await self._storage.setAlarm(at_ms)


def _fits(value: Value) -> bool:
    """Return whether JavaScript holds the value exactly, and SQLite stores it as it is."""
    if isinstance(value, int):
        return abs(value) <= MAX_EXACT_NUMBER
    return not isinstance(value, float) or math.isfinite(value)
