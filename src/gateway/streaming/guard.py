"""Checks each event of a committed stream, and returns the bytes that the client gets for it.

It takes and returns bytes; it does no I/O and sets no timers. Events that need no change pass unchanged. The
receipt is added to the usage. An event that is malformed or reports an error is not passed on: the answer
then counts as cut off. So does an answer that ends without a finish reason.
"""

from collections.abc import Callable, Iterable

from gateway.dialects.chat.answer_checks import inspect_event, is_plain_progress
from gateway.dialects.chat.chunk_shape import ChunkShape
from gateway.fallback.attempt_once import ServedStream, fault_of
from gateway.fallback.exhausted import stream_cut_off
from gateway.fallback.receipt import Receipt
from gateway.faults.fault import AttemptFailedError, Fault
from gateway.http.json_bytes import to_json_bytes
from gateway.http.json_values import Json, JsonObject, list_or_empty, object_or_empty
from gateway.http.responses import Frame
from gateway.http.sse import data_of, event_of
from gateway.streaming.fast_path import RepeatedFrame
from gateway.upstream.commit import DONE, payload_in


class Guard:
    """Checks the events of one stream after the commit, and decides what the client gets for each.

    Attributes:
        ended: whether the answer has ended: the client gets nothing after the bytes that were returned last.
        fault: why the answer was cut off; None if it was not.
        progressed: whether an event had content or a finish reason since this was last set to False.
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
        self._texts: list[str] | None = [] if collect_text else None
        self._stream = served.answer
        self._attempt = served.attempt
        self._upstream = served.upstream
        self._receipt = receipt
        self._shape = shape
        self._now_s = now_s
        self._finished = False
        self._repeated_frame = RepeatedFrame()

    @property
    def text(self) -> str | None:
        """The answer's text so far; None if it is not collected, or if the answer holds more than text."""
        return None if self._texts is None else "".join(self._texts)

    def pass_on(self, events: Iterable[bytes]) -> bytes:
        """Return the bytes that the client gets for these events."""
        passed = []
        for event in events:
            if self.ended:
                break
            if self._repeated_frame.repeats(event):
                self.progressed = True
                passed.append(event)
                continue
            data = data_of(event)
            if data is None:
                passed.append(event)
            elif not data:
                continue  # some providers send this as a keep-alive; clients fail to parse it as a chunk
            elif self._texts is None and is_plain_progress(data) and self._shape.passes(data):
                self.progressed = True
                passed.append(event)
                self._repeated_frame.learn(event)
            else:
                passed.append(self._inspect(event, data))
        return b"".join(passed)

    def finish(self, rest: bytes) -> bytes:
        """Return the client's bytes after the upstream closed the stream; ``rest`` is an incomplete event."""
        tail = b""
        if rest.strip() and _is_complete(rest):  # only the blank line after the last event is missing
            tail = self.pass_on([rest + b"\n\n"])
        return tail if self.ended else tail + self.lose(Fault(code="no_finish_reason"))

    def lose(self, fault: Fault) -> bytes:
        """Return the client's bytes when nothing more will arrive from the upstream.

        That is ``[DONE]`` if the answer has a finish reason: it is complete. If not, the answer counts as cut
        off by ``fault``, and there are no bytes.
        """
        if self.ended:  # not a fault: the gateway itself closes the connection after the end
            return b""
        if not self._finished:
            return self._cut_off(fault)
        self.ended = True
        return event_of(DONE)

    def error_event(self, frame: Frame, *, list_all: bool) -> bytes:
        """Return the event that tells the client that the answer was cut off and is incomplete."""
        assert self.fault is not None
        error = stream_cut_off(self.fault, self._receipt, list_all=list_all)
        return cut_off_event(self.envelope(), frame.error_json(error))

    def envelope(self) -> JsonObject:
        """Return the fields that every chunk of this stream has: its id, object, time and model."""
        return self._shape.envelope()

    def _cut_off(self, fault: Fault) -> bytes:
        self.ended = True
        self.fault = fault_of(fault, self._upstream)
        self._attempt.fail(self.fault, outcome="cut_off")
        self._attempt.ms += self._receipt.time_until(self._now_s())
        return b""

    def _inspect(self, event: bytes, data: bytes) -> bytes:
        """Parse and check an event that the fast path did not cover, and return the client's bytes for it."""
        if data == DONE:
            return self._done(event)
        payload = payload_in(data)
        if payload is None:
            return self.lose(Fault(code="malformed_event"))
        try:
            facts = inspect_event(payload, header=self._stream.reply.header, now_s=self._now_s())
        except AttemptFailedError as failure:
            return self._cut_off(failure.fault)
        self.progressed = self.progressed or facts.progress or facts.finish is not None
        self._finished = self._finished or facts.finish is not None
        self._collect(payload)
        changed = self._shape.shape(payload)
        if facts.usage is not None:
            self._add_receipt(payload, facts.usage)
        elif not changed:
            return event
        try:
            return event_of(to_json_bytes(payload))
        except ValueError:  # it has a number that JSON cannot represent: pass it unchanged
            return event

    def _collect(self, payload: JsonObject) -> None:
        """Add a chunk's text, if the text is collected."""
        if self._texts is None:
            return
        text = _text_in(payload)
        if text is None:
            self._texts = None
        else:
            self._texts.append(text)

    def _done(self, event: bytes) -> bytes:
        if not self._finished:
            return self._cut_off(Fault(code="no_finish_reason"))
        self.ended = True
        return event

    def _add_receipt(self, payload: JsonObject, usage: JsonObject) -> None:
        self._attempt.settle_usage(usage)
        self._attempt.ms += self._receipt.time_until(self._now_s())
        payload["gateway"] = self._receipt.to_json()


def cut_off_event(envelope: JsonObject, error: JsonObject) -> bytes:
    """Return an error event in the form that OpenRouter documents.

    Args:
        envelope: the fields that every chunk of the answer has.
        error: the error in the gateway's error format.
    """
    choices: list[Json] = [{"index": 0, "delta": {"content": ""}, "finish_reason": "error"}]
    return event_of(to_json_bytes({**envelope, "choices": choices, **error}))


def _text_in(payload: JsonObject) -> str | None:
    """Return the chunk's text; None if the chunk holds anything other than text."""
    text = ""
    for choice in list_or_empty(payload.get("choices")):
        delta = object_or_empty(object_or_empty(choice).get("delta"))
        content = delta.get("content") or ""
        if not isinstance(content, str) or delta.get("tool_calls") or delta.get("function_call"):
            return None
        text += content
    return text


def _is_complete(rest: bytes) -> bool:
    data = data_of(rest) or b""
    return data == DONE or payload_in(data) is not None
