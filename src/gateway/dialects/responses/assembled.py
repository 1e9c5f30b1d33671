"""Puts a Responses stream together to a plain answer: the object of its last event."""

from collections.abc import Callable

from gateway.dialects.answer_stream import StreamContext
from gateway.dialects.event_data import EventPayload
from gateway.dialects.meter import TooMuchError
from gateway.dialects.named_events import json_of, whole_payload
from gateway.dialects.read_event import ReadEvent
from gateway.dialects.responses.stream import ResponsesStream
from gateway.http.json_values import JsonObject, object_or_empty


class AssembledResponse(ResponsesStream):
    """One Responses stream that becomes a plain answer; see ``AssembledStream``.

    Args:
        context: see ``StreamContext``.
        max_bytes: the largest answer.
    """

    def __init__(self, context: StreamContext, max_bytes: int) -> None:
        super().__init__(context)
        self._max_bytes = max_bytes
        self._body = b""

    def add_repeated(self, read: EventPayload) -> None:
        """Do nothing: no event of this dialect repeats another, since each has its own number."""

    def to_bytes(self) -> bytes:
        """Return the body of the plain answer.

        Raises:
            TooMuchError: the answer is too large.
        """
        if len(self._body) > self._max_bytes:
            raise TooMuchError
        return self._body

    def end(self, receipt: Callable[[], JsonObject], last: bytes) -> bytes:
        """Return nothing, and keep the response of the last event."""
        del receipt, last
        here = self._last or self._completed()
        self._body = json_of(object_or_empty(whole_payload(here.read)["response"]))
        return b""

    def _write(self, here: ReadEvent) -> bytes:
        del here
        return b""
