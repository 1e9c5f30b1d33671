"""Writes named events, which Messages and Responses have: a line with the name, and a line with the data.

Clients drop an event without a name line. Sources: Anthropic "Streaming messages"; OpenAI "Streaming API
responses"; their SDKs.
"""

import re

from gateway.dialects.event_data import EventPayload
from gateway.dialects.read_event import ReadEvent
from gateway.http.json_bytes import parse_json, to_json_bytes
from gateway.http.json_values import Json, JsonObject, object_or_empty
from gateway.http.sse import data_of

# The names that a line may hold. An event whose type is another text is not sent.
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_.-]{0,63}")
_INFINITIES = (float("inf"), float("-inf"))


def name_of(payload: JsonObject) -> str | None:
    """Return the name of an event with this payload: its type; None if it has none that a line may hold."""
    kind = payload.get("type")
    return kind if isinstance(kind, str) and _NAME.fullmatch(kind) else None


def is_two_lines(event: bytes, name: str) -> bool:
    """Return whether an event is a line with this name, a line with JSON, and a blank line, ended by LF."""
    begin = b"event: %b\ndata: {" % name.encode()
    return (
        event.startswith(begin)
        and event.endswith(b"}\n\n")
        and event.find(b"\n", len(begin)) == len(event) - 2
        and b"\r" not in event
    )


def event_with(name: str, data: bytes) -> bytes:
    """Return an event. JSON may have line ends between its values: they become blanks."""
    return b"event: %b\ndata: %b\n\n" % (name.encode(), data.replace(b"\r", b" ").replace(b"\n", b" "))


def event_of(payload: JsonObject) -> bytes:
    """Return an event with this payload, whose type is its name.

    Raises:
        ValueError: it has a value that JSON cannot represent, or no type that can be a name.
    """
    name = name_of(payload)
    if name is None:
        raise ValueError("an event without a type")
    return event_with(name, to_json_bytes(payload))


def to_bytes(here: ReadEvent, name: str) -> bytes:
    """Return an event as the client gets it: as the upstream wrote it if possible."""
    if here.is_changed:
        return event_with(name, here.read.long.restore(json_of(here.read.payload)))
    return here.event if is_two_lines(here.event, name) else event_with(name, data_of(here.event) or b"{}")


def whole_payload(read: EventPayload) -> JsonObject:
    """Return an event's payload with its long strings in their places."""
    if not read.long.parts:
        return read.payload
    return object_or_empty(parse_json(read.long.restore(json_of(read.payload))))


def json_of(payload: Json) -> bytes:
    """Return a value as JSON. A number such as 1e999, which Python can read but not write, becomes null."""
    try:
        return to_json_bytes(payload)
    except ValueError:
        return to_json_bytes(_finite(payload))


def _finite(value: Json) -> Json:
    if isinstance(value, dict):
        return {name: _finite(each) for name, each in value.items()}
    if isinstance(value, list):
        return [_finite(each) for each in value]
    return None if value in _INFINITIES else value
