"""Storage: the protocol for what a coordinator keeps, as a Durable Object's storage has it."""

from collections.abc import Callable
from typing import Protocol, TypeAlias, TypeVar

Value: TypeAlias = str | int | float | None
Result = TypeVar("Result")


class Storage(Protocol):
    """SQL with SQLite's dialect, transactions, and one alarm. It outlives the coordinator."""

    def rows(self, sql: str, *values: Value) -> list[dict[str, Value]]:
        """Run one statement with a value for each ``?``; return its rows."""

    def transaction(self, work: Callable[[], Result]) -> Result:
        """Return the result of ``work``. If it raises, none of its statements has an effect."""

    async def alarm_at(self) -> int | None:
        """Return when the alarm is due, as Unix time in milliseconds; None if it is not set."""

    async def set_alarm(self, at_ms: int | None) -> None:
        """Set the alarm, in place of the one before; None: no alarm."""
