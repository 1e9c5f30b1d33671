"""Between a sink and a guard: cuts pieces into events, keeps the idle timer, ends the upstream's call."""

from gateway.faults.fault import Fault
from gateway.http.sse import EventTooLargeError
from gateway.memory.ports import CallLater, CallToCome
from gateway.streaming.guard import Guard
from gateway.streaming.idle_timer import IdleTimer
from gateway.upstream.commit import CommittedStream

# How long a connection may take to close after ``[DONE]``.
LINGER_S = 0.25


class GuardStep:
    """Takes the pieces of a stream through its guard; see ``body.Step``."""

    def __init__(
        self,
        stream: CommittedStream,
        guard: Guard,
        timer: IdleTimer,
        *,
        guard_events: int | None,
        call_later: CallLater,
    ) -> None:
        self.hands_over = False
        self._stream = stream
        self._guard = guard
        self._timer = timer
        self._events_left = guard_events
        self._call_later = call_later
        self._closing: CallToCome | None = None

    def begin(self) -> bytes:
        """Return the client's bytes for what had arrived up to the commit."""
        return self._pass_on(list(self._stream.events))

    @property
    def rest(self) -> bytes:
        """The beginning of the next event."""
        return self._stream.decoder.rest

    def take(self, piece: bytes) -> bytes:
        """Return the client's bytes for a piece; ends the upstream's call once nothing may follow."""
        try:
            events = self._stream.decoder.feed(piece)
        except EventTooLargeError:
            passed = self._guard.lose(Fault(code="malformed_event"))
        else:
            if not events:  # every other piece of what is sent in chunks: the beginning of one
                return b""
            passed = self._pass_on(events)
        if self._guard.ended and self._closing is None:
            # A whole answer's connection closes by itself in a moment, and may then be used again.
            wait_s = 0.0 if self._guard.fault else LINGER_S
            self._closing = self._call_later(wait_s, self._stream.reply.abort)
        return passed

    def stop(self) -> None:
        """Leave the connection to whoever closes it."""
        if self._closing is not None:
            self._closing.cancel()

    def _pass_on(self, events: list[bytes]) -> bytes:
        self._guard.progressed = False
        passed = self._guard.pass_on(events)
        if self._guard.progressed:
            self._timer.touch()
        if self._events_left is not None:
            self._events_left -= len(events)
            if self._events_left <= 0 and not self._guard.ended:
                self.hands_over = True
                self._timer.stop()
        return passed
