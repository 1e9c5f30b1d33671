"""Brings the message that begins a stream into Anthropic's form."""

from gateway.dialects.messages.usage import fill_counts
from gateway.http.json_values import JsonObject

# What is true of a message that has only begun.
_BEGUN: JsonObject = {"type": "message", "role": "assistant", "stop_reason": None, "stop_sequence": None}


def started(message: JsonObject, names: JsonObject, *, shown_model: str | None = None) -> bool:
    """Bring a message into the form of one that has begun, in place; return whether anything changed.

    Its blocks and its end come in events of their own.

    Args:
        message: the message.
        names: the ``id`` and ``model`` of a message that states none.
        shown_model: the name that it must state as its model; None: its own.
    """
    right: JsonObject = {**_BEGUN, "content": []}
    for name in ("id", "model"):
        here = message.get(name)
        right[name] = here if isinstance(here, str) and here else names[name]
    if shown_model is not None:
        right["model"] = shown_model
    changed = message.pop("gateway", None) is not None
    for name, value in right.items():
        if name not in message or message[name] != value:
            message[name] = value
            changed = True
    usage = message.get("usage")
    if not isinstance(usage, dict):
        message["usage"] = usage = {}
    return fill_counts(usage) or changed
