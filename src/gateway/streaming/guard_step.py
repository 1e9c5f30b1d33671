"""Connects a sink to a guard: splits pieces into events, resets the idle timer, ends the upstream call."""

from gateway.faults.fault import Fault
from gateway.http.sse import EventTooLargeError
from gateway.memory.ports import CallLater, CallToCome
from gateway.streaming.guard import Guard
from gateway.streaming.idle_timer import IdleTimer
from gateway.upstream.commit import MAX_IDLE_BYTES, CommittedStream, idle_bytes_of

# How long the upstream may take to close the connection after ``[DONE]`` before the gateway does.
LINGER_S = 0.25


class GuardStep:
    """Passes the pieces of a stream through its guard; see ``http.body.Step``.

    Attributes:
        hands_over: whether ``guard_events`` events have been guarded, and nothing is held back. From then on
            the runtime passes the upstream's bytes to the client itself, without Python (the hand-over).
    """

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
        self._idle_bytes = 0  # since the last progress
        self._call_later = call_later
        self._closing: CallToCome | None = None

    def begin(self) -> bytes:
        """Return the client's bytes for the events that arrived up to the commit."""
        return self._pass_on(list(self._stream.events))

    @property
    def rest(self) -> bytes:
        """The bytes of the next event that have arrived so far."""
        return self._stream.decoder.rest

    def take(self, piece: bytes) -> bytes:
        """Return the client's bytes for a piece, and end the upstream call once the answer has ended."""
        if self._guard.ended:
            self._idle_bytes += len(piece)
            if self._idle_bytes > MAX_IDLE_BYTES:
                self._stream.reply.abort()
            return b""
        try:
            events = self._stream.decoder.feed(piece)
        except EventTooLargeError:
            passed = self._guard.lose(Fault(code="malformed_event"))
        else:
            if not events:  # in chunked transfers every other piece holds only the beginning of an event
                return b""
            passed = self._pass_on(events)
        if self._guard.fault:  # at once: while pieces arrive without a pause, the 2024 runtime runs no timer
            self._stream.reply.abort()
        elif self._guard.ended and self._closing is None:
            # After a complete answer the connection soon closes by itself and can then be reused. Aborting it
            # at once would prevent that.
            self._closing = self._call_later(LINGER_S, self._stream.reply.abort)
        return passed

    def stop(self) -> None:
        """Cancel the scheduled end of the upstream call: the caller closes the connection."""
        if self._closing is not None:
            self._closing.cancel()

    def _pass_on(self, events: list[bytes]) -> bytes:
        self._guard.progressed = False
        passed = self._guard.pass_on(events)
        if self._guard.progressed:
            self._timer.touch()
            self._idle_bytes = 0
        else:
            self._idle_bytes += sum(map(idle_bytes_of, events))
            if self._idle_bytes > MAX_IDLE_BYTES:
                passed += self._guard.lose(Fault(code="answer_too_large"))
        if self._events_left is not None:
            self._events_left -= len(events)
            if self._events_left <= 0 and self._guard.may_hand_over and not self._guard.ended:
                passed += self._guard.flush()
                self.hands_over = True
                self._timer.stop()
        return passed
