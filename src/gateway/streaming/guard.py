"""Checks each event of a committed stream, and returns the bytes that the client gets for it.

It takes and returns bytes; it does no I/O and sets no timers. Events that need no change pass unchanged. The
receipt is added to the last usage. An event that is malformed or reports an error is not passed on: the
answer then counts as cut off. So does an answer of which a choice ends without a finish reason. Events that
say nothing are dropped, except comments.
"""

from collections.abc import Callable, Iterable

from gateway.dialects.chat.chunk_shape import ChunkShape
from gateway.dialects.chat.event_facts import OpenChoices, inspect_event, says_nothing, text_in
from gateway.dialects.chat.held_events import HeldEvents, finishes_in
from gateway.dialects.event_data import DONE, EventPayload, MalformedEventError
from gateway.dialects.read_event import ReadEvent, is_complete, read
from gateway.fallback.attempt_once import ServedStream, fault_of
from gateway.fallback.exhausted import stream_cut_off
from gateway.fallback.receipt import Receipt
from gateway.faults.fault import AttemptFailedError, Fault
from gateway.http.json_bytes import to_json_bytes
from gateway.http.json_values import Json, JsonObject
from gateway.http.responses import Frame
from gateway.http.sse import data_of, event_of, is_one_data_line
from gateway.streaming.fast_path import RepeatedFrames

_END = event_of(DONE)


class Guard:
    """Checks the events of one stream after the commit, and decides what the client gets for each.

    Attributes:
        ended: whether the answer has ended: the client gets nothing after the bytes that were returned last.
        fault: why the answer was cut off; None if it was not.
        progressed: whether an event had content or a finish reason since this was last set to False.
        may_hand_over: whether the runtime may pass on the rest unread: nothing of the answer is held back.
    """

    def __init__(
        self,
        served: ServedStream,
        receipt: Receipt,
        *,
        shape: ChunkShape,
        now_s: Callable[[], float],
        collect_text: bool,
    ) -> None:
        self.ended = False
        self.fault: Fault | None = None
        self.progressed = False
        self.may_hand_over = True
        self._texts: list[str] | None = [] if collect_text else None
        self._stream = served.answer
        self._attempt = served.attempt
        self._upstream = served.upstream
        self._receipt = receipt
        self._shape = shape
        self._now_s = now_s
        self._choices = OpenChoices()
        self._usage: JsonObject | None = None  # the newest, until a chunk has the receipt
        self._held = HeldEvents(shape)
        self._frames = RepeatedFrames()

    @property
    def text(self) -> str | None:
        """What the client has of this stream's text; None if it is not collected, or not all is text."""
        return None if self._texts is None else "".join(self._texts)

    @property
    def _may_learn(self) -> bool:
        """Whether an event that repeats another may pass without being parsed."""
        return self._texts is None

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
        last = self._held.last_usage
        if last is not None:
            self._usage = None
            self._attempt.ms += self._receipt.time_until(self._now_s())
            last.read.payload["gateway"] = self._receipt.to_json()
        return self._held.release()

    def finish(self, rest: bytes) -> bytes:
        """Return the client's bytes after the upstream closed the stream; ``rest`` is an incomplete event."""
        tail = b""
        if rest.strip() and is_complete(rest):  # only the blank line after the last event is missing
            tail = self.pass_on([rest + b"\n\n"])
        return tail if self.ended else tail + self.lose(Fault(code="no_finish_reason"))

    def lose(self, fault: Fault, *, last: bytes = _END) -> bytes:
        """Return the client's bytes when nothing more will arrive from the upstream.

        That is ``last`` if the answer has a finish reason: it is complete. If not, the answer counts as cut
        off by ``fault``.
        """
        if self.ended:  # not a fault: the gateway itself closes the connection after the end
            return b""
        return self._done(last) if self._choices.are_finished else self._cut_off(fault)

    def error_event(self, frame: Frame, *, list_all: bool) -> bytes:
        """Return the event that tells the client that the answer was cut off and is incomplete."""
        assert self.fault is not None
        error = stream_cut_off(self.fault, self._receipt, list_all=list_all)
        return cut_off_event(self.envelope(), frame.error_json(error))

    def envelope(self) -> JsonObject:
        """Return the fields that every chunk of this stream has: its id, object, time and model."""
        return self._shape.envelope()

    def _cut_off(self, fault: Fault) -> bytes:
        rest = self._held.release()
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
        return found if isinstance(found, bytes) else self._inspect(found)

    def _inspect(self, here: ReadEvent) -> bytes:
        """Check an event's payload, and return the client's bytes for it."""
        payload = here.read.payload
        try:
            facts = inspect_event(payload, header=self._stream.reply.header, now_s=self._now_s())
        except AttemptFailedError as failure:
            return self._cut_off(failure.fault)
        if says_nothing(payload, facts):
            return b""
        if facts.finish is not None:
            self._frames.forget()  # an event of a finished choice is not like those before
        self.progressed = self.progressed or facts.progress or facts.finish is not None
        self._choices.note(facts)
        is_changed = here.is_changed = self._shape.shape(payload)
        here.usage, here.may_finish = facts.usage, facts.finish is not None
        before = self._held.reopen(facts.progressed) if facts.progressed else b""
        if facts.usage is not None:
            before += self._take_usage(here, facts.usage)
        is_like_the_next = facts.finish is None and facts.usage is None and not self._shape.began_call
        if facts.progress and is_like_the_next and not is_changed and self._may_learn:
            self._frames.learn(here.event)
        return before + b"".join(map(self._send, self._joined(here)))

    def _joined(self, here: ReadEvent) -> list[ReadEvent]:
        """Return the events that the client gets for an event, which has its shape."""
        self._collect(here.read)
        return [here]

    def _send(self, here: ReadEvent) -> bytes:
        """Return an event's bytes; none if it may be the end of the answer, and is held back."""
        is_last_usage = here.usage is not None and self._choices.are_finished
        if is_last_usage or (here.may_finish and finishes_in(here.read.payload)):
            self._held.add(here)
            return b""
        return here.to_bytes()

    def _take_usage(self, here: ReadEvent, usage: JsonObject) -> bytes:
        """Record a usage; return the events that were held back, if one of them seemed to have the last."""
        here.is_changed |= self._attempt.settle_usage(usage)
        self._usage = usage
        return self._held.release() if self._held.last_usage else b""

    def _collect(self, read: EventPayload) -> None:
        """Add a chunk's text, if the text is collected."""
        if self._texts is None:
            return
        text = None if read.long.parts else text_in(read.payload)
        if text is None:
            self._texts = None
        else:
            self._texts.append(text)

    def _done(self, last: bytes) -> bytes:
        """Return the last bytes of a complete answer: the receipt, if a usage was stated, and ``[DONE]``."""
        self.ended = True
        if self._usage is not None and self._held.last_usage is None:  # only before the answer was complete
            self._held.add(ReadEvent.of(self._shape.usage_chunk(self._usage), usage=self._usage))
        return self.flush() + (last if is_one_data_line(last) and data_of(last) == DONE else _END)


def cut_off_event(envelope: JsonObject, error: JsonObject) -> bytes:
    """Return an error event in the form that OpenRouter documents.

    Args:
        envelope: the fields that every chunk of the answer has.
        error: the error in the gateway's error format.
    """
    choices: list[Json] = [{"index": 0, "delta": {"content": ""}, "finish_reason": "error"}]
    return event_of(to_json_bytes({**envelope, "choices": choices, **error}))
