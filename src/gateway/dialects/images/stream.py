"""Reads the events of a committed stream of images, and writes what the client gets for each.

An event passes as the upstream wrote it, with or without a line for its name, and the gateway writes its own
in the same form. The event that completes a picture is held back until it is known whether it is the last
one: that one gets the receipt.
"""

from collections.abc import Callable

from gateway.dialects import named_events
from gateway.dialects.answer_json import raise_error_in, raise_fault
from gateway.dialects.answer_stream import StreamContext, Taken
from gateway.dialects.event_data import DONE
from gateway.dialects.images.answer import has_picture
from gateway.dialects.images.progress import COMPLETED, has_text, is_progress
from gateway.dialects.read_event import ReadEvent
from gateway.faults.fault import Fault
from gateway.http.json_values import JsonObject, whole_or_none
from gateway.http.sse import event_of

END = event_of(DONE)
_NOTHING = Taken()


class ImagesStream:
    """One committed stream of images; see ``AnswerStream``."""

    may_be_complete = False
    holds_all = False
    text: str | None = None

    def __init__(self, context: StreamContext) -> None:
        self._context = context
        self._left = whole_or_none(context.request.fields.value("n")) or 1  # pictures that may still come
        self._completed: ReadEvent | None = None  # held back
        self._has_text = False
        self._is_named = False  # whether the upstream writes a line with each event's name

    @property
    def is_complete(self) -> bool:
        """Whether a picture is complete, and no other has begun since."""
        return self._completed is not None

    @property
    def may_hand_over(self) -> bool:
        """Whether the runtime may pass on the rest unread: nothing is held back."""
        return self._completed is None

    def take(self, here: ReadEvent) -> Taken:
        """Check an event's payload, and return the client's bytes for it. One without a type is dropped.

        Raises:
            AttemptFailedError: the event reports an error, or ends the answer without a picture.
        """
        payload = here.read.payload
        raise_error_in(payload, self._context.header, self._context.now_s())
        name = named_events.name_of(payload)
        if name is None:
            return _NOTHING
        self._is_named = here.event.startswith(b"event:")
        here.is_changed |= payload.pop("gateway", None) is not None  # the receipt is the gateway's own
        if name == COMPLETED:
            return self._complete(here)
        progress = is_progress(payload)
        self._has_text = self._has_text or has_text(payload)
        before = self._written() if progress else b""  # another picture begins
        return Taken(before + self._write(here), progress=progress)

    def release(self) -> bytes:
        """Return nothing: an answer that is cut off has no complete picture that is held back."""
        return b""

    def flush(self, receipt: Callable[[], JsonObject]) -> bytes:
        """Return the event that was held back, with the receipt."""
        if self._completed is not None:
            self._completed.read.payload["gateway"] = receipt()
            self._completed.is_changed = True
        return self._written()

    def end(self, receipt: Callable[[], JsonObject], last: bytes) -> bytes:
        """Return the last bytes of a complete answer: its last picture with the receipt, and ``[DONE]``."""
        del last
        return self.flush(receipt) + END

    def error_event(self, error: JsonObject) -> bytes:
        """Return the event that tells the client that the answer was cut off."""
        payload = error_payload(error)
        return named_events.event_of(payload) if self._is_named else event_of(named_events.json_of(payload))

    def restart_event(self, first: JsonObject, code: str | None, model: str) -> bytes:
        """Return nothing: a stream of images cannot start over."""
        del first, code, model
        return b""

    def _complete(self, here: ReadEvent) -> Taken:
        """Take the event that completes a picture. The answer ends with as many as were requested."""
        payload = here.read.payload
        usage = payload.get("usage")
        if isinstance(usage, dict):
            here.is_changed |= self._context.settle(usage)
        if not has_picture(payload) and not self._has_text:
            raise_fault(Fault(code="empty_answer"), payload)
        before = self._written()
        self._completed = here
        self._left -= 1
        return Taken(before, progress=True, ends=self._left <= 0)

    def _written(self) -> bytes:
        """Return the bytes of the event that was held back, which is held no longer."""
        here, self._completed = self._completed, None
        return self._write(here) if here is not None else b""

    def _write(self, here: ReadEvent) -> bytes:
        """Return the client's bytes for an event."""
        if here.event.startswith(b"event:"):
            return named_events.to_bytes(here, str(here.read.payload["type"]))
        if here.is_changed:
            return event_of(here.read.long.restore(named_events.json_of(here.read.payload)))
        return here.to_bytes()


def error_payload(error: JsonObject) -> JsonObject:
    """Return the payload of the event that says that a stream has failed; ``error`` is the error's body.

    Source: OpenRouter API reference, "Create images": its error event.
    """
    return {"type": "error", **error}
