"""Follows the blocks of a Messages stream, as a client does: which have begun, and which are still open.

Clients append each block when it begins. So a block's index must be its place, whatever the upstream writes.
An event that no client could place is not sent: Claude Code stops reading there, and SDKs fail.
Source: Anthropic "Streaming messages"; the accumulation of events in Anthropic's SDKs.
"""

from collections.abc import Mapping
from types import MappingProxyType

from gateway.faults.fault import AttemptFailedError, Fault
from gateway.http.json_values import Json, JsonObject, object_or_empty, text_or_none, whole_or_none

MAX_INDEX = 100_000
# The deltas of each type of block. A block of a type that is not listed may have any.
DELTAS: Mapping[str, frozenset[str]] = MappingProxyType({
    "text": frozenset({"text_delta", "citations_delta"}),
    "thinking": frozenset({"thinking_delta", "signature_delta"}),
    "redacted_thinking": frozenset(),
    "tool_use": frozenset({"input_json_delta"}),
    "server_tool_use": frozenset({"input_json_delta"}),
    "mcp_tool_use": frozenset({"input_json_delta"}),
    "compaction": frozenset({"compaction_delta"}),
})  # fmt: skip  # one type a line
_KNOWN_DELTAS = frozenset().union(*DELTAS.values())


def malformed() -> AttemptFailedError:
    """Return the failure of an event that cannot be part of the answer."""
    return AttemptFailedError(Fault(code="malformed_event"))


def block_type(payload: JsonObject) -> str | None:
    """Return the type of the block that an event begins; None if it has none."""
    return text_or_none(object_or_empty(payload.get("content_block")).get("type"))


class Blocks:
    """The blocks of one answer.

    Attributes:
        open: the type of each block that the client has open, by the client's index.
        count: how many blocks the client has.
        are_in_place: whether each block has the index at the client that the upstream gave it.

    Args:
        before: the blocks of an answer that this one continues; None if it continues none.
    """

    def __init__(self, before: "Blocks | None" = None) -> None:
        self.open: dict[int, str] = dict(before.open) if before else {}
        self.count: int = before.count if before else 0
        self.are_in_place = before is None
        self._places: dict[int, int | None] = {}  # of each block of the upstream; None: it has stopped

    def start(self, payload: JsonObject, *, at: int | None = None) -> int:
        """Begin a block, and return its index at the client.

        ``at`` is the index of the client's open block that it continues; None for a new block.

        Raises:
            AttemptFailedError: the block has begun before, or the event is malformed.
        """
        index, kind = index_in(payload), block_type(payload)
        if index is None or index in self._places or kind is None:
            raise malformed()
        place = self.count if at is None else at
        if at is None:
            self.count += 1
            self.open[place] = kind
        self._places[index] = place
        self.are_in_place = self.are_in_place and index == place
        return place

    def place_of(self, payload: JsonObject) -> int:
        """Return the client's index of the block to which an event adds something.

        Raises:
            AttemptFailedError: the block has not begun or has stopped, or cannot have such a delta.
        """
        index = index_in(payload)
        place = None if index is None else self._places.get(index)
        delta = object_or_empty(payload.get("delta")).get("type")
        if place is None or not isinstance(delta, str):
            raise malformed()
        kind = self.open.get(place)
        if kind is None or (delta in _KNOWN_DELTAS and delta not in DELTAS.get(kind, _KNOWN_DELTAS)):
            raise malformed()
        return place

    def stop(self, payload: JsonObject) -> int | None:
        """End a block, and return its index at the client; None if it is not open."""
        index = index_in(payload)
        place = None if index is None else self._places.get(index)
        if index is None or place is None:
            return None
        self._places[index] = None
        self.open.pop(place, None)
        return place

    def stop_all(self) -> list[int]:
        """End all blocks that are open, and return their indexes at the client."""
        places = sorted(self.open)
        self.open.clear()
        self._places = dict.fromkeys(self._places)
        return places


def index_in(payload: JsonObject) -> int | None:
    """Return the index of the block that an event is about; None if it has no usable one."""
    index = whole_or_none(payload.get("index"))
    return index if index is not None and 0 <= index <= MAX_INDEX else None


def set_index(payload: JsonObject, place: int) -> bool:
    """Set the index of an event; return whether that changed it."""
    here: Json = payload.get("index")
    if type(here) is int and here == place:
        return False
    payload["index"] = place
    return True
