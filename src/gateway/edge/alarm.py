"""All that one request waits for by the clock, with one timer of the runtime's at a time.

The event loop's own timers cost as much each, and cannot be taken back: they stay in JavaScript, set, when
what they were for is over. The 2024 runtime drops them with their request, and what they hold stays behind.
"""

import asyncio
from collections.abc import Callable
from types import TracebackType
from typing import Any

from js import clearTimeout, setTimeout
from pyodide.ffi import create_proxy


class Alarm:
    """Calls back in time, and limits blocks; see ``ports.Ports``.

    The timer goes off at the earliest moment that anything waits for. It is not taken back when that is over:
    what follows mostly waits longer, and goes by it.
    """

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._waiting: set[_Call] = set()
        self._goes_off_at_s = float("inf")
        self._timer: Any = None
        self._proxy: Any = None

    def call_later(self, seconds: float, callback: Callable[[], None]) -> "_Call":
        """Call back in so many seconds, unless that is cancelled before."""
        call = _Call(self._waiting, self._loop.time() + seconds, callback)
        self._waiting.add(call)
        self._set(call.at_s)
        return call

    def within(self, seconds: float) -> "_Limit":
        """Return a limit for a block, as ``asyncio.timeout`` does."""
        return _Limit(self, seconds)

    def stop(self) -> None:
        """Call nobody back any more; take the timer back."""
        self._waiting.clear()
        if self._timer:
            clearTimeout(self._timer)
        if self._proxy:
            self._proxy.destroy()
        self._timer = self._proxy = None

    def _set(self, at_s: float) -> None:
        if at_s >= self._goes_off_at_s:
            return
        if self._timer:
            clearTimeout(self._timer)
        if not self._proxy:
            self._proxy = create_proxy(self._ring)
        self._goes_off_at_s = at_s
        self._timer = setTimeout(self._proxy, max(0.0, at_s - self._loop.time()) * 1000)

    def _ring(self) -> None:
        due_s, self._goes_off_at_s, self._timer = self._goes_off_at_s, float("inf"), None
        # By way of the loop, which sets up what Python's callbacks find around them.
        self._loop.call_soon(self._go_off, due_s)

    def _go_off(self, due_s: float) -> None:
        # By this clock the timer may have come a little early, or, where something took long, late.
        now_s = max(due_s, self._loop.time())
        for call in [each for each in self._waiting if each.at_s <= now_s]:
            if call in self._waiting:  # one before it may have cancelled it
                call.cancel()
                call.callback()
        if self._waiting:
            self._set(min(each.at_s for each in self._waiting))


class _Call:
    """A call to come, at ``at_s`` by the loop's clock."""

    __slots__ = ("_waiting", "at_s", "callback")

    def __init__(self, waiting: "set[_Call]", at_s: float, callback: Callable[[], None]) -> None:
        self._waiting = waiting
        self.at_s = at_s
        self.callback = callback

    def cancel(self) -> None:
        """Take it back."""
        self._waiting.discard(self)


class _Limit:
    """A block's limit. What ends a block is the standard library's; only the timer is the alarm's."""

    __slots__ = ("_alarm", "_call", "_seconds", "_timeout")

    def __init__(self, alarm: Alarm, seconds: float) -> None:
        self._alarm = alarm
        self._seconds = seconds
        self._timeout = asyncio.timeout(None)

    async def __aenter__(self) -> None:
        await self._timeout.__aenter__()
        self._call = self._alarm.call_later(self._seconds, self._end)

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._call.cancel()
        await self._timeout.__aexit__(kind, error, trace)

    def _end(self) -> None:
        self._timeout.reschedule(asyncio.get_running_loop().time())
