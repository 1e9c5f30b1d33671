"""A timer that fires if a stream makes no progress for a given time."""

from collections.abc import Callable

from gateway.memory.ports import CLOCK_GRAIN_S, CallLater

# A client that reads nothing for this long no longer wants the answer. The upstream's connection is not held
# open for it any longer.
MAX_PAUSED_S = 600.0


class IdleTimer:
    """Calls ``on_idle`` once, when ``idle_s`` seconds have passed without a call of ``touch``.

    It does not fire while ``is_paused`` returns True (the stream waits for the client, not for the model),
    unless ``touch`` was not called for ``MAX_PAUSED_S``. ``touch`` is cheap: it only stores the time. The
    timer compares that time when it wakes.

    Attributes:
        fired: whether ``on_idle`` has been called.
    """

    def __init__(
        self,
        idle_s: float,
        on_idle: Callable[[], None],
        is_paused: Callable[[], bool],
        *,
        call_later: CallLater,
        now_s: Callable[[], float],
    ) -> None:
        self.fired = False
        self._idle_s = idle_s
        self._on_idle = on_idle
        self._is_paused = is_paused
        self._call_later = call_later
        self._now_s = now_s
        self._touched_at_s = self._counts_from_s = now_s()
        self._call = call_later(idle_s, self._wake)

    def touch(self) -> None:
        """Restart the count."""
        self._touched_at_s = self._counts_from_s = self._now_s()

    def stop(self) -> None:
        """Stop the timer: it does not fire any more."""
        self._call.cancel()

    def _wake(self) -> None:
        now_s = self._now_s()
        if self._is_paused() and now_s - self._touched_at_s < MAX_PAUSED_S:
            self._counts_from_s = now_s
        left_s = self._counts_from_s + self._idle_s - now_s
        if left_s > CLOCK_GRAIN_S:
            self._call = self._call_later(left_s, self._wake)
            return
        self.fired = True
        self._on_idle()
