"""The time limits of one request, with one timer of the runtime's for all that follow one another.

A timer is two crossings to JavaScript, and stays there, set, when its limit is over: here the next limit
goes by it. It fires at the earliest moment that a limit asked for, and is set anew for the next one then.
"""

import asyncio
from types import TracebackType


class Alarm:
    """Makes limits; see ``ports.Ports.within``."""

    def __init__(self) -> None:
        self._fires_at_s = float("inf")
        self._limits: set[_Limit] = set()

    def within(self, seconds: float) -> "_Limit":
        """Return a limit for a block, as ``asyncio.timeout`` does."""
        return _Limit(self, seconds)

    def add(self, limit: "_Limit") -> None:
        """See to it that the limit ends in time."""
        self._limits.add(limit)
        self._set(limit.ends_at_s)

    def discard(self, limit: "_Limit") -> None:
        """Forget the limit; the timer stays."""
        self._limits.discard(limit)

    def _set(self, at_s: float) -> None:
        if at_s < self._fires_at_s:
            self._fires_at_s = at_s
            asyncio.get_running_loop().call_at(at_s, self._fire, at_s)

    def _fire(self, at_s: float) -> None:
        if at_s == self._fires_at_s:
            self._fires_at_s = float("inf")
        # By this clock the timer may come a little early, or, where something took long, late.
        now_s = max(at_s, asyncio.get_running_loop().time())
        for limit in self._limits:
            if limit.ends_at_s <= now_s:
                limit.end()
        if later := [each.ends_at_s for each in self._limits if each.ends_at_s > now_s]:
            self._set(min(later))


class _Limit:
    """A block's limit. What ends a block is the standard library's; only its timer is the alarm's."""

    __slots__ = ("_alarm", "_seconds", "_timeout", "ends_at_s")

    def __init__(self, alarm: Alarm, seconds: float) -> None:
        self._alarm = alarm
        self._seconds = seconds
        self._timeout = asyncio.timeout(None)
        self.ends_at_s = float("inf")

    def end(self) -> None:
        """End the block: a ``TimeoutError`` leaves it."""
        self._timeout.reschedule(asyncio.get_running_loop().time())

    async def __aenter__(self) -> None:
        await self._timeout.__aenter__()
        self.ends_at_s = asyncio.get_running_loop().time() + self._seconds
        self._alarm.add(self)

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._alarm.discard(self)
        await self._timeout.__aexit__(kind, error, trace)
