"""Reads the events of a committed Responses stream, and writes what the client gets for each.

Events that need no change pass unchanged. The client always gets ``response.created`` first, numbers that
rise by one, and one end. If the upstream closes the stream without its last event although every item is
done, the gateway writes that event: nothing of the answer is missing.
Source: users of OpenRouter's Responses API report such streams.
"""

from collections.abc import Callable

from gateway.dialects.answer_stream import StreamContext, Taken
from gateway.dialects.named_events import json_of, name_of, to_bytes
from gateway.dialects.read_event import ReadEvent
from gateway.dialects.responses.answer import COMPLETED, INCOMPLETE, shape_response
from gateway.dialects.responses.error_events import CREATED, UNSTATED, begun_response, echoed, failed_event
from gateway.dialects.responses.numbers import Numbers
from gateway.dialects.responses.open_items import Items, malformed
from gateway.dialects.responses.progress import ADDED, DONE, is_progress
from gateway.dialects.responses.reported_errors import raise_error_in
from gateway.dialects.responses.signed_items import SIGNED, signed_pieces_in
from gateway.dialects.responses.usage import shape_usage
from gateway.dialects.stream_signatures import StreamSignatures
from gateway.http.json_values import JsonObject, list_or_empty, object_or_empty

ENDED = "response.completed"
ENDS = frozenset({ENDED, "response.incomplete"})
COMPLETED_HERE = "The upstream closed the stream without its last event. All items were done."
_NOTHING = Taken()


class ResponsesStream:
    """One committed Responses stream; see ``AnswerStream``."""

    holds_all = False
    text: str | None = None

    def __init__(self, context: StreamContext) -> None:
        self._context = context
        self._numbers = Numbers()
        self._items = Items()
        self._response: JsonObject = {}  # as it has begun
        self._last: ReadEvent | None = None
        self._signatures = StreamSignatures(context.note_signature)

    @property
    def is_complete(self) -> bool:
        """Whether the answer has ended."""
        return self._last is not None

    @property
    def may_be_complete(self) -> bool:
        """Whether every item is done, and the last is one that ends an answer."""
        return self._items.are_complete

    @property
    def may_hand_over(self) -> bool:
        """Whether the runtime may pass on the rest unread: no event gets another number."""
        return bool(self._response) and self._numbers.are_the_upstreams and self._context.shown_model is None

    def take(self, here: ReadEvent) -> Taken:
        """Check an event's payload, and return the client's bytes for it.

        An event without a type is dropped. One of an unknown type passes.

        Raises:
            AttemptFailedError: the event reports an error, or has no place in this answer.
        """
        payload = here.read.payload
        raise_error_in(payload, header=self._context.header, now_s=self._context.now_s())
        name = name_of(payload)
        if name is None:
            return _NOTHING
        here.is_changed |= payload.pop("gateway", None) is not None  # the receipt is the gateway's own
        if SIGNED.may_be_in(here.event):
            self._signatures.add(signed_pieces_in(payload), here.read.long)
        if name == CREATED:
            return _NOTHING if self._response else Taken(self._begin(here))
        if name in ENDS:
            return self._end(here)
        if not self._has_place(name, here):
            return _NOTHING
        return Taken(
            self._before() + self._write(here),
            progress=is_progress(payload, blank_counts=True),
            changes_state=True,
        )

    def release(self) -> bytes:
        """Return nothing: no event is held back but the last, and an answer that is cut off has none."""
        return b""

    def flush(self, receipt: Callable[[], JsonObject]) -> bytes:
        """Return nothing: no event is held back but the last."""
        del receipt
        return b""

    def end(self, receipt: Callable[[], JsonObject], last: bytes) -> bytes:
        """Return the last event of a complete answer, with the receipt in its response."""
        del last
        here = self._last or self._completed()
        response = object_or_empty(here.read.payload["response"])
        response["gateway"] = receipt()
        here.is_changed = True
        return self._before() + self._write(here)

    def error_event(self, error: JsonObject) -> bytes:
        """Return the event that tells the client that the answer was cut off."""
        before = self._before()
        return before + self._write(ReadEvent.of(failed_event(error, {**self._echoed, **self._response})))

    def restart_event(self, first: JsonObject, code: str | None, model: str) -> bytes:
        """Return nothing: an answer in this dialect cannot start over."""
        del first, code, model
        return b""

    @property
    def _echoed(self) -> JsonObject:
        """What a response repeats of its request. Few responses need it: upstreams repeat it themselves."""
        return echoed(self._context.request.fields)

    def _write(self, here: ReadEvent) -> bytes:
        """Return the client's bytes for an event."""
        here.is_changed |= self._numbers.set(here.read.payload)
        return to_bytes(here, str(here.read.payload["type"]))

    def _begin(self, here: ReadEvent) -> bytes:
        response = here.read.payload.get("response")
        if not isinstance(response, dict):
            raise malformed()
        here.is_changed |= self._shape(response)
        self._response = response
        return self._write(here)

    def _before(self, stated: JsonObject | None = None) -> bytes:
        """Return a ``response.created`` for an answer that has none: SDKs read no other event first.

        ``stated``: the response in the first event that has one.
        """
        if self._response:
            return b""
        response = begun_response(self._context.names, self._context.first or stated)
        response.update(self._echoed)
        return self._begin(ReadEvent.of({"type": CREATED, "response": response}))

    def _has_place(self, name: str, here: ReadEvent) -> bool:
        """Follow the items; return False for an item that is done twice."""
        payload = here.read.payload
        if name == ADDED:
            self._items.add(payload)
        elif name == DONE:
            return self._items.end(payload, here.read.long.restore(json_of(payload.get("item"))))
        elif "output_index" in payload:
            self._items.check(payload)
        elif isinstance(payload.get("response"), dict):
            here.is_changed |= self._shape(object_or_empty(payload["response"]))
        return True

    def _shape(self, response: JsonObject) -> bool:
        """Bring a response into OpenAI's form; return whether anything changed."""
        changed = response.pop("gateway", None) is not None
        if self._response and response.get("id") != self._response["id"]:  # a client has one answer
            response["id"] = self._response["id"]
            changed = True
        changed |= shape_response(response, self._context.names)
        shown = self._context.shown_model
        if shown is not None and response["model"] != shown:
            response["model"] = shown
            changed = True
        return changed

    def _end(self, here: ReadEvent) -> Taken:
        """Take the event that ends the answer. It is sent with the receipt."""
        response = here.read.payload.get("response")
        if not isinstance(response, dict):
            raise malformed()
        before = self._before(response)
        if not list_or_empty(response.get("output")):
            response["output"] = self._items.done
        if response.get("status") not in (COMPLETED, INCOMPLETE):
            response["status"] = str(here.read.payload["type"]).removeprefix("response.")
        self._shape(response)
        usage = response.get("usage")
        if isinstance(usage, dict):
            self._context.settle(usage)
        shape_usage(response)
        self._last = here
        return Taken(before, ends=True)

    def _completed(self) -> ReadEvent:
        """Return the last event of an answer whose upstream did not send it."""
        self._context.note(COMPLETED_HERE)
        response: JsonObject = {
            **UNSTATED,
            **self._echoed,
            **self._response,
            "status": COMPLETED,
            "completed_at": int(self._context.now_s()),
            "output": self._items.done,
            "usage": None,
        }
        return ReadEvent.of({"type": ENDED, "response": response})
