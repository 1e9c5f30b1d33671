"""Follows the items of a Responses stream, as a client does: which were added, and which are done.

Clients find an item by its place in the output. So an event for an item that was never added has no place,
and is not sent. Source: the accumulation of events in OpenAI's Python SDK.
"""

from gateway.dialects.responses.complete_items import are_an_answer
from gateway.dialects.responses.items import kind_of
from gateway.dialects.responses.open_parts import Parts
from gateway.faults.fault import AttemptFailedError, Fault
from gateway.http.json_bytes import parse_json
from gateway.http.json_values import Json, JsonObject, object_or_empty, whole_or_none

MAX_INDEX = 100_000
# How much of the items that are done is kept, to complete an answer whose last event is missing.
MAX_KEPT_BYTES = 4 << 20


def malformed() -> AttemptFailedError:
    """Return the failure of an event that cannot be part of the answer."""
    return AttemptFailedError(Fault(code="malformed_event"))


class Items:
    """The items of one answer."""

    def __init__(self) -> None:
        self._open: dict[int, str] = {}
        self._done: dict[int, bytes] = {}
        self._kept_bytes = 0
        self._is_consistent = True  # whether each item is done with the type with which it was added
        self._parts = Parts()

    def add(self, payload: JsonObject) -> str:
        """Add an item, and return its type.

        Raises:
            AttemptFailedError: there is one at its place, or the event is malformed.
        """
        index, kind = _index_in(payload), kind_of(payload.get("item"))
        if kind is None or index in self._open or index in self._done:
            raise malformed()
        self._open[index] = kind
        return kind

    def check(self, payload: JsonObject) -> None:
        """Check that an event belongs to an item that was added.

        Raises:
            AttemptFailedError: it does not, or adds to an item that is done.
        """
        index = _index_in(payload)
        adds = str(payload["type"]).endswith(".delta")
        if index not in self._open and (adds or index not in self._done):
            raise malformed()
        self._parts.take(index, payload)

    def end(self, payload: JsonObject, text: bytes) -> bool:
        """Note that an item is done; return whether it was not before. ``text`` is the item as JSON.

        Raises:
            AttemptFailedError: the event is malformed.
        """
        index, kind = _index_in(payload), kind_of(payload.get("item"))
        if kind is None:
            raise malformed()
        if index in self._done:
            return False
        if self._open.pop(index, kind) != kind:
            self._is_consistent = False
        self._parts.end_item(index)
        self._kept_bytes += len(text)
        self._done[index] = text if self._kept_bytes <= MAX_KEPT_BYTES else b""
        return True

    @property
    def are_complete(self) -> bool:
        """Whether every item and part is done in order, all are kept, and they are a complete answer."""
        if self._open or not self._done or self._kept_bytes > MAX_KEPT_BYTES:
            return False
        if not self._is_consistent or not self._parts.are_in_order or max(self._done) >= len(self._done):
            return False
        return are_an_answer([object_or_empty(item) for item in self.done])

    @property
    def done(self) -> list[Json]:
        """The items that are done, in order."""
        return [parse_json(self._done[index]) for index in sorted(self._done) if self._done[index]]


def _index_in(payload: JsonObject) -> int:
    index = whole_or_none(payload.get("output_index"))
    if index is None or not 0 <= index <= MAX_INDEX:
        raise malformed()
    return index
