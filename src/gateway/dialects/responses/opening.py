"""Reads a Responses stream up to its commit point: the first event with content."""

from gateway.dialects.answer_stream import Opened
from gateway.dialects.named_events import name_of
from gateway.dialects.responses.answer import is_filtered
from gateway.dialects.responses.items import answers, output_of
from gateway.dialects.responses.open_items import Items
from gateway.dialects.responses.progress import ADDED, DONE, is_progress
from gateway.dialects.responses.reported_errors import raise_error_in
from gateway.faults.classify import GetHeader
from gateway.faults.fault import AttemptFailedError, Fault
from gateway.http.json_values import JsonObject, number_or_none, object_or_empty

_OF_RESPONSES = "response."


class ResponsesOpening:
    """The beginning of one stream; see ``Opening``.

    Attributes:
        first: the response object of ``response.created``, which has no output yet.
    """

    def __init__(self, *, header: GetHeader, now_s: float, watched: bool) -> None:
        self.first: JsonObject = {}
        self._header = header
        self._now_s = now_s
        self._watched = watched
        self._items = Items()

    def take(self, payload: JsonObject) -> Opened:
        """Return what an event means. One without a type, or of no response, is dropped.

        Raises:
            AttemptFailedError: it reports an error, has no place in an answer, or ends it too early.
        """
        raise_error_in(payload, header=self._header, now_s=self._now_s)
        name = name_of(payload)
        if name is None or not name.startswith(_OF_RESPONSES):
            return Opened.DROPPED
        response = object_or_empty(payload.get("response"))
        if not self.first:
            self.first = response
        if name in ("response.completed", "response.incomplete"):
            return self._end(name, response)
        if name == ADDED:
            self._items.add(payload)
        elif name == DONE:
            if not self._items.end(payload, b""):
                return Opened.DROPPED
        elif "output_index" in payload:
            self._items.check(payload)
        return Opened.COMMITTED if is_progress(payload, blank_counts=False) else Opened.HELD

    def _end(self, name: str, response: JsonObject) -> Opened:
        """Return what the end of the response means before anything was said."""
        said_something = any(map(answers, output_of(response)))
        if said_something or self._watched:
            return Opened.COMMITTED
        if name == "response.incomplete":
            return Opened.WITHHELD if is_filtered(response) else Opened.COMMITTED
        cost_usd = number_or_none(object_or_empty(response.get("usage")).get("cost"))
        raise AttemptFailedError(Fault(code="empty_answer", cost_usd=cost_usd))
