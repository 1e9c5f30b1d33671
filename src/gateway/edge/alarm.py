"""Timers of one request: delayed calls and time limits that share one JavaScript timer.

Each timer of the event loop costs one JavaScript timer and cannot be cleared: it stays set in JavaScript
after a cancellation. The 2024 runtime drops such timers with their request, and never frees what they hold.
"""

import asyncio
from collections.abc import Callable
from types import TracebackType
from typing import Any

from js import clearTimeout, setTimeout
from pyodide.ffi import create_proxy


class Alarm:
    """Schedules calls, and limits the time of blocks; see ``memory.ports.Ports``.

    The JavaScript timer is set for the earliest scheduled call. It is not cleared when that call is
    cancelled: the calls that follow are mostly later, and reuse it.
    """

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._scheduled: set[_Call] = set()
        self._timer_at_s = float("inf")
        self._timer: Any = None
        self._proxy: Any = None

    def call_later(self, seconds: float, callback: Callable[[], None]) -> "_Call":
        """Call ``callback`` after ``seconds``, unless the returned call is cancelled before."""
        call = _Call(self._scheduled, self._loop.time() + seconds, callback)
        self._scheduled.add(call)
        self._set_timer(call.at_s)
        return call

    def within(self, seconds: float) -> "_Limit":
        """Return a time limit for an ``async with`` block, like ``asyncio.timeout``."""
        return _Limit(self, seconds)

    def stop(self) -> None:
        """Cancel all calls and clear the timer."""
        self._scheduled.clear()
        if self._timer:
            clearTimeout(self._timer)
        if self._proxy:
            self._proxy.destroy()
        self._timer = self._proxy = None

    def _set_timer(self, at_s: float) -> None:
        if at_s >= self._timer_at_s:
            return
        if self._timer:
            clearTimeout(self._timer)
        if not self._proxy:
            self._proxy = create_proxy(self._on_timer)
        self._timer_at_s = at_s
        self._timer = setTimeout(self._proxy, max(0.0, at_s - self._loop.time()) * 1000)

    def _on_timer(self) -> None:
        due_s, self._timer_at_s, self._timer = self._timer_at_s, float("inf"), None
        # Through the loop, because it sets up the environment that Python callbacks expect.
        self._loop.call_soon(self._run_due_calls, due_s)

    def _run_due_calls(self, due_s: float) -> None:
        # By the loop's clock the timer may fire a little early, or late if other code took long.
        now_s = max(due_s, self._loop.time())
        for call in [each for each in self._scheduled if each.at_s <= now_s]:
            if call in self._scheduled:  # an earlier callback may have cancelled it
                call.cancel()
                call.callback()
        if self._scheduled:
            self._set_timer(min(each.at_s for each in self._scheduled))


class _Call:
    """A scheduled call; ``at_s`` is its time on the loop's clock, in seconds."""

    __slots__ = ("_scheduled", "at_s", "callback")

    def __init__(self, scheduled: "set[_Call]", at_s: float, callback: Callable[[], None]) -> None:
        self._scheduled = scheduled
        self.at_s = at_s
        self.callback = callback

    def cancel(self) -> None:
        """Cancel the call. More than one ``cancel`` is allowed."""
        self._scheduled.discard(self)


class _Limit:
    """The time limit of a block. ``asyncio.timeout`` ends the block; the alarm only replaces its timer."""

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
