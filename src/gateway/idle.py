"""A timer that fires when nothing has moved it for a while."""

import asyncio
from collections.abc import Callable

# Clocks in the Workers runtimes may stand still between I/O and count whole milliseconds.
CLOCK_GRAIN_S = 0.005


class IdleTimer:
    """Calls ``on_idle`` once, when ``idle_s`` seconds have passed without ``touch`` while it was running.

    A touch costs an assignment: the timer looks at the time of the last one only when it wakes.
    """

    def __init__(self, idle_s: float, on_idle: Callable[[], None]) -> None:
        self.fired = False
        self._idle_s = idle_s
        self._on_idle = on_idle
        self._loop = asyncio.get_running_loop()
        self._touched_at_s = self._loop.time()
        self._paused_at_s: float | None = None
        self._handle = self._loop.call_later(idle_s, self._wake)

    def touch(self) -> None:
        """Begin to count anew."""
        self._touched_at_s = self._loop.time()

    def pause(self) -> None:
        """Stop counting: what is waited for now is somebody else's to do."""
        self._paused_at_s = self._loop.time()

    def resume(self) -> None:
        """Count on from where ``pause`` left off."""
        if self._paused_at_s is not None:
            self._touched_at_s += self._loop.time() - self._paused_at_s
            self._paused_at_s = None

    def stop(self) -> None:
        """Never fire."""
        self._handle.cancel()

    def _wake(self) -> None:
        counted_to_s = self._loop.time() if self._paused_at_s is None else self._paused_at_s
        left_s = self._touched_at_s + self._idle_s - counted_to_s
        if left_s > CLOCK_GRAIN_S or self._paused_at_s is not None:
            self._handle = self._loop.call_later(max(left_s, CLOCK_GRAIN_S), self._wake)
            return
        self.fired = True
        self._on_idle()
