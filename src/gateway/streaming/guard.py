"""Checks each event of a committed stream, and returns the bytes that the client gets for it.

It takes and returns bytes; it does no I/O and sets no timers. The dialect reads the events: see
``dialects.answer_stream``. An event that is malformed or reports an error is not passed on: the answer then
counts as cut off. So does an answer that ends before it is complete. Events that say nothing are dropped,
except comments.
"""

from collections.abc import Callable, Iterable

from gateway.dialects.answer_stream import AnswerStream
from gateway.dialects.event_data import DONE, MalformedEventError
from gateway.dialects.read_event import is_complete, read
from gateway.fallback.attempt_once import ServedStream, fault_of
from gateway.fallback.exhausted import stream_cut_off
from gateway.fallback.receipt import Receipt
from gateway.faults.fault import AttemptFailedError, Fault
from gateway.http.json_values import JsonObject
from gateway.http.responses import Frame
from gateway.streaming.fast_path import RepeatedFrames


class Guard:
    """Checks the events of one stream after the commit, and decides what the client gets for each.

    Attributes:
        ended: whether the answer has ended: the client gets nothing after the bytes that were returned last.
        fault: why the answer was cut off; None if it was not.
        progressed: whether the model has made progress since this was last set to False.
        stream: the stream, as its dialect reads it.
    """

    def __init__(
        self,
        served: ServedStream,
        receipt: Receipt,
        *,
        stream: AnswerStream,
        now_s: Callable[[], float],
    ) -> None:
        self.ended = False
        self.fault: Fault | None = None
        self.progressed = False
        self.stream = stream
        self._attempt = served.attempt
        self._upstream = served.upstream
        self._receipt = receipt
        self._now_s = now_s
        self._frames = RepeatedFrames()

    @property
    def may_hand_over(self) -> bool:
        """Whether the runtime may pass on the rest unread: nothing of the answer is held back."""
        return self.stream.may_hand_over

    def pass_on(self, events: Iterable[bytes]) -> bytes:
        """Return the bytes that the client gets for these events."""
        passed = []
        for event in events:
            if self.ended:
                break
            if self._frames.repeats(event):
                self.progressed = True
                passed.append(event)
            else:
                passed.append(self._judge(event))
        return b"".join(passed)

    def flush(self) -> bytes:
        """Return the bytes that were held back, with the receipt on the last usage."""
        return self.stream.flush(self._receipt_json)

    def finish(self, rest: bytes) -> bytes:
        """Return the client's bytes after the upstream closed the stream; ``rest`` is an incomplete event."""
        tail = b""
        if rest.strip() and is_complete(rest):  # only the blank line after the last event is missing
            tail = self.pass_on([rest + b"\n\n"])
        return tail if self.ended else tail + self.lose(Fault(code="no_finish_reason"))

    def lose(self, fault: Fault, *, last: bytes = b"") -> bytes:
        """Return the client's bytes when nothing more will arrive from the upstream.

        If the answer is complete, that is its end; ``last`` is the upstream's own event that ended it. If
        not, the answer counts as cut off by ``fault``.
        """
        if self.ended:  # not a fault: the gateway itself closes the connection after the end
            return b""
        is_closed = fault.code == "no_finish_reason"  # and neither lost nor silent
        is_end = self.stream.is_complete or (is_closed and self.stream.may_be_complete)
        return self._end(last) if is_end else self._cut_off(fault)

    def error_event(self, frame: Frame, *, list_all: bool) -> bytes:
        """Return the event that tells the client that the answer was cut off and is incomplete."""
        assert self.fault is not None
        error = stream_cut_off(self.fault, self._receipt, list_all=list_all)
        return self.stream.error_event(frame.error_json(error))

    def _cut_off(self, fault: Fault) -> bytes:
        rest = self.stream.release()
        self.ended = True
        self.fault = fault_of(fault, self._upstream)
        self._attempt.fail(self.fault, outcome="cut_off")
        self._attempt.ms += self._receipt.time_until(self._now_s())
        return rest

    def _judge(self, event: bytes) -> bytes:
        """Return the client's bytes for an event that repeats no other."""
        try:
            found = read(event, self._upstream)
        except MalformedEventError:
            return self.lose(Fault(code="malformed_event"))
        if found is DONE:
            return self.lose(Fault(code="no_finish_reason"), last=event)
        if isinstance(found, bytes):
            return found
        try:
            taken = self.stream.take(found)
        except AttemptFailedError as failure:
            return self._cut_off(failure.fault)
        self.progressed = self.progressed or taken.progress
        if taken.changes_state:
            self._frames.forget()  # an event may now mean something else than those before
        if taken.repeats and not self.stream.holds_all:
            self._frames.learn(event)
        return taken.sent + self._end(event) if taken.ends else taken.sent

    def _end(self, last: bytes) -> bytes:
        self.ended = True
        return self.stream.end(self._receipt_json, last)

    def _receipt_json(self) -> JsonObject:
        self._attempt.ms += self._receipt.time_until(self._now_s())
        return self._receipt.to_json()
