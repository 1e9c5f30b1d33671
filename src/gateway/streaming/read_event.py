"""An event that was read, and the bytes that the client gets for it."""

from gateway.dialects.chat.event_data import EventPayload
from gateway.http.json_bytes import to_json_bytes
from gateway.http.json_values import JsonObject
from gateway.http.sse import event_of, is_one_data_line


class ReadEvent:
    """An event that was read.

    Attributes:
        read: its payload, which may have been changed since.
        is_changed: whether it has been.
        usage: the usage in the payload; None if it has none.
    """

    def __init__(
        self, event: bytes, data: bytes, read: EventPayload, *, is_changed: bool, usage: JsonObject | None
    ) -> None:
        self.read = read
        self.is_changed = is_changed
        self.usage = usage
        self._event = event
        self._data = data

    def to_bytes(self) -> bytes:
        """Return the event as the client gets it: one line, and as the upstream wrote it if possible."""
        payload = self.read.payload
        if self.is_changed or "gateway" in payload:
            try:
                return event_of(self.read.long.restore(to_json_bytes(payload)))
            except ValueError:  # it has a number that JSON cannot represent: pass it unchanged
                pass
        return self._event if is_one_data_line(self._event) else event_of(self._data)


def is_json(payload: JsonObject) -> bool:
    """Return whether JSON can represent a payload: a number such as 1e999 can be read, but not written."""
    try:
        to_json_bytes(payload)
    except ValueError:
        return False
    return True
