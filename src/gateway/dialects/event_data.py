"""Reads the data of a stream event: a JSON object, ``[DONE]``, or something that clients should not see."""

import re

from gateway.dialects.error_forms import error_in
from gateway.http.frozen import dataclass
from gateway.http.json_bytes import parse_json
from gateway.http.json_values import Json, JsonObject
from gateway.http.long_strings import LongStrings, shorten
from gateway.http.sse import MAX_EVENT_VALUES, unnamed_lines_of

DONE = b"[DONE]"
# Words that servers send to keep a connection alive: `ping`, `keep-alive`, `: OPENROUTER PROCESSING`.
_LONE_WORDS = re.compile(rb":?[ \t]*+[A-Za-z][A-Za-z0-9 _.:/+()!-]{0,63}+")


class MalformedEventError(ValueError):
    """The data of an event is no JSON, or not what a stream of chat chunks may hold."""


@dataclass(frozen=True, slots=True)
class EventPayload:
    """The JSON object of an event, and the long strings that were left out of it."""

    payload: JsonObject
    long: LongStrings


def is_done(data: bytes) -> bool:
    """Return whether an event's data marks the end of a stream."""
    return data.strip() == DONE


def payload_in(data: bytes) -> EventPayload | None:
    """Return the JSON object that an event's data is; None if the event says nothing.

    An event says nothing if its data is a value such as ``null``, ``[]`` or ``"ping"``, or a lone word.

    Raises:
        MalformedEventError: the data is anything else.
    """
    if _LONE_WORDS.fullmatch(data):
        return None
    short, long = shorten(data)
    try:
        value = parse_json(short, max_values=MAX_EVENT_VALUES)
    except ValueError:
        raise MalformedEventError from None
    if isinstance(value, list) and any(isinstance(each, (dict, list)) for each in value):
        value = _error_of_list(value)
    if not isinstance(value, dict):
        return None
    long.restore_members(value)
    return EventPayload(value, long)


def _error_of_list(value: list[Json]) -> JsonObject:
    """Return an error event for a list that reports an error, as Google's does."""
    error = error_in(value)
    if not error:
        raise MalformedEventError
    return {"error": error}


def bare_error_in(event: bytes) -> JsonObject | None:
    """Return the error that an event without ``data:`` reports as bare JSON; None if it reports none."""
    text = unnamed_lines_of(event).strip()
    if text[:1] not in (b"{", b"["):
        return None
    try:
        error = error_in(parse_json(text, max_values=MAX_EVENT_VALUES))
    except ValueError:
        return None
    return {"error": error} if error else None
