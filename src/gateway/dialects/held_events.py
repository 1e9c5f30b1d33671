"""The events that may be the end of an answer. They are held back until it is known whether it goes on."""

from collections.abc import Collection

from gateway.dialects.choices import indexed_choices
from gateway.dialects.chunk_shape import ChunkShape
from gateway.dialects.read_event import ReadEvent
from gateway.http.json_values import JsonObject


class HeldEvents:
    """Holds the events with a finish reason, and the last usage.

    A client stops at the first finish reason. So an event is sent without it if its choice goes on after all.
    The last usage gets the receipt.
    """

    def __init__(self, shape: ChunkShape) -> None:
        self._shape = shape
        self._events: list[ReadEvent] = []

    def add(self, event: ReadEvent) -> None:
        """Hold an event back."""
        self._events.append(event)

    def reopen(self, indexes: Collection[int]) -> bytes:
        """Return the events that are not the end, because these choices go on; the others stay held."""
        released: list[ReadEvent] = []
        kept: list[ReadEvent] = []
        for event in self._events:
            goes_on = _take_finishes(event, indexes)
            (released if goes_on or event.usage is not None else kept).append(event)
        self._events = kept
        return b"".join(event.to_bytes() for event in released)

    def release(self) -> bytes:
        """Return all events that were held back: their choices have finished."""
        events, self._events = self._events, []
        for event in events:
            event.is_changed |= self._shape.complete(event.read.payload)
        return b"".join(event.to_bytes() for event in events)

    @property
    def last_usage(self) -> ReadEvent | None:
        """The newest event with a usage; None if none is held."""
        return next((event for event in reversed(self._events) if event.usage is not None), None)


def finishes_in(payload: JsonObject) -> list[JsonObject]:
    """Return the choices of a shaped chunk that have a finish reason."""
    return [choice for _, choice in indexed_choices(payload) if choice.get("finish_reason") is not None]


def _take_finishes(event: ReadEvent, indexes: Collection[int]) -> bool:
    """Take the finish reasons of these choices out of an event; return whether there was one."""
    found = [choice for choice in finishes_in(event.read.payload) if choice["index"] in indexes]
    for choice in found:
        choice["finish_reason"] = None
        if choice.get("native_finish_reason") is not None:
            choice["native_finish_reason"] = None
        event.is_changed = True
    return bool(found)
