"""Reads an event of a committed stream, and writes the bytes that the client gets for it."""

from gateway.dialects.event_data import (
    DONE,
    EventPayload,
    MalformedEventError,
    bare_error_in,
    is_done,
    payload_in,
)
from gateway.http.destination import repeats_key
from gateway.http.json_bytes import to_json_bytes
from gateway.http.json_values import JsonObject
from gateway.http.long_strings import NONE
from gateway.http.message import Upstream
from gateway.http.sse import data_of, event_of, is_comment, is_one_data_line

# Longer comments are dropped: no server needs them to keep a connection alive.
MAX_COMMENT_BYTES = 1_024


class ReadEvent:
    """An event with a payload.

    Attributes:
        event: its bytes, as the upstream sent them.
        read: its payload, which may have been changed since.
        is_changed: whether it has been.
        usage: the usage in the payload; None if it has none.
        may_finish: whether the payload may have a finish reason.
    """

    def __init__(self, event: bytes, data: bytes, read: EventPayload) -> None:
        self.read = read
        self.is_changed = False
        self.usage: JsonObject | None = None
        self.may_finish = True
        self.event = event
        self._data = data

    @classmethod
    def of(cls, payload: JsonObject, *, usage: JsonObject | None = None) -> "ReadEvent":
        """Return an event of the gateway's own."""
        made = cls(b"", b"", EventPayload(payload, NONE))
        made.is_changed, made.usage = True, usage
        return made

    def to_bytes(self) -> bytes:
        """Return the event as the client gets it: one line, and as the upstream wrote it if possible."""
        payload = self.read.payload
        if self.is_changed or "gateway" in payload:
            try:
                return event_of(self.read.long.restore(to_json_bytes(payload)))
            except ValueError:  # it has a number that JSON cannot represent: pass it unchanged
                pass
        return self.event if is_one_data_line(self.event) else event_of(self._data)


def read(event: bytes, upstream: Upstream) -> ReadEvent | bytes:
    """Return an event that has a payload. For any other, return what the client gets in its place.

    That is a comment, ``DONE`` itself, or nothing. Some providers send ``data:`` or ``data: null`` as a
    keep-alive; clients fail to parse it as a chunk. Other lines are ignored by clients, but may be an error
    as bare JSON.

    Raises:
        MalformedEventError: the payload is malformed.
    """
    data = data_of(event)
    if data is None:
        if is_comment(event):
            return event if _may_pass(event, upstream) else b""
        error = bare_error_in(event)
        return ReadEvent(event, b"", EventPayload(error, NONE)) if error else b""
    if is_done(data):
        return DONE
    payload = payload_in(data) if data.strip() else None
    return ReadEvent(event, data, payload) if payload else b""


def _may_pass(comment: bytes, upstream: Upstream) -> bool:
    """Return whether a comment is short, is UTF-8, and does not repeat the upstream's key."""
    try:
        text = comment[: MAX_COMMENT_BYTES + 1].decode()
    except UnicodeDecodeError:
        return False
    return len(comment) <= MAX_COMMENT_BYTES and not repeats_key(text, upstream)


def is_complete(rest: bytes) -> bool:
    """Return whether an event is complete, although the blank line after it is missing."""
    data = data_of(rest)
    if data is None:
        return bare_error_in(rest) is not None
    try:
        return is_done(data) or payload_in(data) is not None
    except MalformedEventError:
        return False


def is_json(payload: JsonObject) -> bool:
    """Return whether JSON can represent a payload: a number such as 1e999 can be read, but not written."""
    try:
        to_json_bytes(payload)
    except ValueError:
        return False
    return True
