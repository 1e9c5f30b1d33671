"""Reads a Messages stream up to its commit point: the first event with content."""

from gateway.dialects.answer_stream import Opened
from gateway.dialects.messages.blocks import Blocks, block_type, malformed
from gateway.dialects.messages.content import REFUSAL, SILENT_BLOCKS, SILENT_ENDS, adds, says
from gateway.dialects.messages.reported_errors import raise_error_in
from gateway.faults.classify import GetHeader
from gateway.faults.fault import AttemptFailedError, Fault
from gateway.http.json_values import Json, JsonObject, number_or_none, object_or_empty


class MessagesOpening:
    """The beginning of one stream; see ``Opening``.

    Attributes:
        first: the message of ``message_start``, which has no content yet.
    """

    def __init__(self, *, header: GetHeader, now_s: float, watched: bool) -> None:
        self.first: JsonObject = {}
        self._header = header
        self._now_s = now_s
        self._watched = watched
        self._blocks = Blocks()
        self._has_started = False

    def take(self, payload: JsonObject) -> Opened:
        """Return what an event means. Pings and events of an unknown type mean nothing yet.

        Raises:
            AttemptFailedError: it reports an error, has no place in an answer, or ends it too early.
        """
        raise_error_in(payload, header=self._header, now_s=self._now_s)
        kind = payload.get("type")
        if kind == "message_start":
            return self._start(payload)
        if kind == "content_block_start":
            return self._begin_block(payload)
        if kind == "content_block_delta":
            self._blocks.place_of(payload)
            delta = object_or_empty(payload.get("delta"))
            return Opened.COMMITTED if adds(delta, blank_counts=False) else Opened.HELD
        if kind == "content_block_stop":
            return Opened.DROPPED if self._blocks.stop(payload) is None else Opened.HELD
        if kind == "message_delta":
            return self._end(payload)
        if kind == "message_stop":
            raise AttemptFailedError(Fault(code="empty_answer"))
        return Opened.DROPPED

    def _start(self, payload: JsonObject) -> Opened:
        if self._has_started:
            return Opened.DROPPED
        message = payload.get("message")
        if not isinstance(message, dict):
            raise malformed()
        raise_error_in(message, header=self._header, now_s=self._now_s)
        self._has_started = True
        self.first = message
        return Opened.HELD

    def _begin_block(self, payload: JsonObject) -> Opened:
        self._blocks.start(payload)
        is_silent = block_type(payload) in SILENT_BLOCKS
        says_something = not is_silent or says(object_or_empty(payload.get("content_block")))
        return Opened.COMMITTED if says_something else Opened.HELD

    def _end(self, payload: JsonObject) -> Opened:
        """Return what a ``message_delta`` means before anything was said."""
        reason: Json = object_or_empty(payload.get("delta")).get("stop_reason")
        if not isinstance(reason, str) or not reason:
            return Opened.HELD
        if self._watched or reason in SILENT_ENDS:
            return Opened.COMMITTED
        if reason == REFUSAL:
            return Opened.WITHHELD
        cost_usd = number_or_none(object_or_empty(payload.get("usage")).get("cost"))
        raise AttemptFailedError(Fault(code="empty_answer", cost_usd=cost_usd))
