"""What a client gets of a committed stream: bytes in, bytes out, no time and no I/O.

Events that need no change pass as they came; the usage gets the receipt; whatever cannot be true is not
passed on, and the answer is said to have broken off.
"""

from collections.abc import Callable, Iterable

from gateway.dialects.chat.answer_checks import inspect_event, is_plain_progress
from gateway.dialects.chat.chunk_shape import ChunkShape
from gateway.fallback.attempt_once import ServedStream
from gateway.fallback.exhausted import stream_cut_off
from gateway.fallback.receipt import Receipt
from gateway.faults.fault import AttemptFailedError, Fault
from gateway.http.json_bytes import parse_json, to_json_bytes
from gateway.http.json_values import Json, JsonObject, list_or_empty, object_or_empty
from gateway.http.responses import Frame
from gateway.http.sse import data_of, event_of
from gateway.streaming.fast_path import RepeatedFrame
from gateway.upstream.commit import DONE


class Guard:
    """Looks at each event after the commit and says what the client gets instead of, or as, it.

    Attributes:
        ended: nothing may follow what was returned last.
        fault: why the answer broke off; None while it has not.
        progressed: an event since this was last set to False carried something.
        text: the answer's text so far, if it is collected; None when it is not, or holds more than text.
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
        self.text: str | None = "" if collect_text else None
        self._stream = served.answer
        self._attempt = served.attempt
        self._receipt = receipt
        self._shape = shape
        self._now_s = now_s
        self._finished = False
        self._refrain = RepeatedFrame()

    def pass_on(self, events: Iterable[bytes]) -> bytes:
        """Return the bytes that the client gets for these events."""
        passed = []
        for event in events:
            if self.ended:
                break
            if self._refrain.repeats(event):
                self.progressed = True
                passed.append(event)
                continue
            data = data_of(event)
            if data is None:
                passed.append(event)
            elif not data:
                continue  # some providers keep the connection alive so; clients take it for a broken chunk
            elif self.text is None and is_plain_progress(data) and self._shape.passes(data):
                self.progressed = True
                passed.append(event)
                self._refrain.learn(event)
            else:
                passed.append(self._judge(event, data))
        return b"".join(passed)

    def finish(self, rest: bytes) -> bytes:
        """Return what the client gets when the upstream has closed the stream; ``rest`` is a cut event."""
        tail = b""
        if rest.strip() and _is_complete(rest):  # the blank line after the last event was left out
            tail = self.pass_on([rest + b"\n\n"])
        return tail if self.ended else tail + self.lose(Fault(code="no_finish_reason"))

    def lose(self, fault: Fault) -> bytes:
        """Return what the client gets when no more will come: an answer that had finished is whole."""
        if self.ended:  # what ended it is known: closing the connection then is our own doing
            return b""
        if not self._finished:
            return self._break_off(fault)
        self.ended = True
        return event_of(DONE)

    def error_event(self, frame: Frame, *, list_all: bool) -> bytes:
        """Return the one event that tells the client that the answer ends here and is not whole."""
        assert self.fault is not None
        error = stream_cut_off(self.fault, self._receipt, list_all=list_all)
        return cut_off_event(self.envelope(), frame.error_json(error))

    def envelope(self) -> JsonObject:
        """Return what every chunk of this stream has: its id, object, time and model."""
        return self._shape.envelope()

    def _break_off(self, fault: Fault) -> bytes:
        self.ended = True
        self.fault = fault
        self._attempt.fail(fault, outcome="cut_off")
        self._attempt.ms += self._receipt.time_until(self._now_s())
        return b""

    def _judge(self, event: bytes, data: bytes) -> bytes:
        """Look into an event that its text alone did not settle."""
        if data == DONE:
            return self._done(event)
        payload = _object_in(data)
        if payload is None:
            return self.lose(Fault(code="malformed_event"))
        try:
            look = inspect_event(payload, header=self._stream.reply.header, now_s=self._now_s())
        except AttemptFailedError as failure:
            return self._break_off(failure.fault)
        self.progressed = self.progressed or look.progress or look.finish is not None
        self._finished = self._finished or look.finish is not None
        if self.text is not None:
            self.text = _with_text(self.text, payload)
        changed = self._shape.shape(payload)
        if look.usage is not None:
            self._add_receipt(payload, look.usage)
        elif not changed:
            return event
        try:
            return event_of(to_json_bytes(payload))
        except ValueError:  # it holds a number that JSON cannot carry: it passes as it came
            return event

    def _done(self, event: bytes) -> bytes:
        if not self._finished:
            return self._break_off(Fault(code="no_finish_reason"))
        self.ended = True
        return event

    def _add_receipt(self, payload: JsonObject, usage: JsonObject) -> None:
        self._attempt.settle_usage(usage)
        self._attempt.ms += self._receipt.time_until(self._now_s())
        payload["gateway"] = self._receipt.to_json()


def cut_off_event(envelope: JsonObject, error: JsonObject) -> bytes:
    """Return an error event in the form that OpenRouter documents, with the one error shape inside.

    ``head`` is what every chunk of the broken answer has.
    """
    choices: list[Json] = [{"index": 0, "delta": {"content": ""}, "finish_reason": "error"}]
    return event_of(to_json_bytes({**envelope, "choices": choices, **error}))


def _with_text(text: str, payload: JsonObject) -> str | None:
    """Return the text with the chunk's added; None when the chunk holds something that is not text."""
    for choice in list_or_empty(payload.get("choices")):
        delta = object_or_empty(object_or_empty(choice).get("delta"))
        content = delta.get("content") or ""
        if not isinstance(content, str) or delta.get("tool_calls") or delta.get("function_call"):
            return None
        text += content
    return text


def _object_in(data: bytes) -> JsonObject | None:
    try:
        payload = parse_json(data)
    except ValueError:
        return None
    return payload if isinstance(payload, dict) else None


def _is_complete(rest: bytes) -> bool:
    data = data_of(rest) or b""
    return data == DONE or _object_in(data) is not None
