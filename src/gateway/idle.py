"""A timer that fires when nothing has moved it for a while."""

import asyncio
from collections.abc import Callable

# Clocks in the Workers runtimes may stand still between I/O and count whole milliseconds.
CLOCK_GRAIN_S = 0.005


class IdleTimer:
    """Calls ``on_idle`` once, when ``idle_s`` seconds have passed without ``touch``.

    It does not fire while ``is_paused`` says that what is waited for is somebody else's to do. A touch costs
    an assignment: the timer looks at the time of the last one only when it wakes.
    """

    def __init__(self, idle_s: float, on_idle: Callable[[], None], is_paused: Callable[[], bool]) -> None:
        self.fired = False
        self._idle_s = idle_s
        self._on_idle = on_idle
        self._loop = asyncio.get_running_loop()
        self._touched_at_s = self._loop.time()
        self._is_paused = is_paused
        self._handle = self._loop.call_later(idle_s, self._wake)

    def touch(self) -> None:
        """Begin to count anew."""
        self._touched_at_s = self._loop.time()

    def stop(self) -> None:
        """Never fire."""
        self._handle.cancel()

    def _wake(self) -> None:
        if self._is_paused():
            self.touch()
        left_s = self._touched_at_s + self._idle_s - self._loop.time()
        if left_s > CLOCK_GRAIN_S:
            self._handle = self._loop.call_later(left_s, self._wake)
            return
        self.fired = True
        self._on_idle()
