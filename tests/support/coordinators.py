"""Fakes of Durable Objects: the storage of one on SQLite in memory, and the port to one for each scope."""

import asyncio
import sqlite3
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeVar

from gateway.coordination.coordinator import Coordinator
from gateway.coordination.port import CoordinatorError
from gateway.coordination.storage import Value

Result = TypeVar("Result")


class SqliteStorage:
    """See ``coordination.storage.Storage``. Numbers are bound as floats, as Durable Objects bind them.

    Attributes:
        alarm_ms: when the alarm is due; None if it is not set.
        statements: how many statements have run.
    """

    def __init__(self) -> None:
        self.alarm_ms: int | None = None
        self.statements = 0
        self._connection = sqlite3.connect(":memory:", isolation_level=None)
        self._connection.row_factory = sqlite3.Row

    def rows(self, sql: str, *values: Value) -> list[dict[str, Value]]:
        self.statements += 1
        assert not any(isinstance(value, bool) for value in values)
        bound = [float(value) if isinstance(value, int) else value for value in values]
        return [dict(row) for row in self._connection.execute(sql, bound)]

    def transaction(self, work: Callable[[], Result]) -> Result:
        self._connection.execute("BEGIN")
        try:
            result = work()
        except BaseException:
            self._connection.execute("ROLLBACK")
            raise
        self._connection.execute("COMMIT")
        return result

    async def alarm_at(self) -> int | None:
        return self.alarm_ms

    async def set_alarm(self, at_ms: int | None) -> None:
        self.alarm_ms = at_ms


@dataclass(slots=True)
class Coordinators:
    """See ``coordination.port.CoordinatorPort``: a coordinator for each scope, made at its first call.

    Attributes:
        bound: whether the Worker has the binding.
        now_s: returns Unix time.
        fault: what each call raises instead of an answer; None: nothing.
        pause_s: how long each call takes before it reaches the coordinator.
        reply_pause_s: how long the reply takes.
        calls: the scope and the method of each call that was made.
        twice: whether each call is delivered twice.
        reply: what is returned in place of the coordinator's reply; empty: that reply.
    """

    bound: bool = True
    now_s: Callable[[], float] = lambda: asyncio.get_running_loop().time()
    fault: str | None = None
    pause_s: float = 0.0
    reply_pause_s: float = 0.0
    calls: list[tuple[str, str]] = field(default_factory=list)
    twice: bool = False
    reply: str = ""
    storages: dict[str, SqliteStorage] = field(default_factory=dict)
    _made: dict[str, Coordinator] = field(default_factory=dict)

    async def call(self, scope: str, method: str, text: str) -> str:
        self.calls.append((scope, method))
        await asyncio.sleep(self.pause_s)
        if self.fault is not None:
            raise CoordinatorError(self.fault)
        reply: str = await getattr(self.of(scope), method)(text)
        if self.twice:
            reply = await getattr(self.of(scope), method)(text)
        await asyncio.sleep(self.reply_pause_s)
        return self.reply or reply

    def of(self, scope: str) -> Coordinator:
        """Return the coordinator of a scope."""
        if scope not in self._made:
            storage = self.storages.setdefault(scope, SqliteStorage())
            self._made[scope] = Coordinator(storage, lambda: int(self.now_s() * 1000))
        return self._made[scope]

    def be_well(self) -> None:
        """End all faults."""
        self.fault, self.pause_s, self.reply_pause_s, self.reply = None, 0.0, 0.0, ""

    def restart(self) -> None:
        """End all coordinators. What they have stored stays."""
        self._made.clear()
