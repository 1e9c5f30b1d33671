"""Writes the event that ends a Messages stream in an error."""

from gateway.dialects.named_events import event_with, json_of
from gateway.http.json_values import JsonObject

# A stream has the request's id in a header. Source: OpenRouter API reference, errors within a stream.
_NOT_IN_EVENTS = "request_id"


def error_event(error: JsonObject) -> bytes:
    """Return the event that ends a stream in an error; ``error`` is the error's body."""
    return event_with("error", json_of({name: error[name] for name in error if name != _NOT_IN_EVENTS}))
