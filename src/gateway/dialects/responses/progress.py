"""Finds out whether an event of a Responses stream is progress of its model."""

from gateway.dialects.responses.items import SILENT, kind_of, says
from gateway.http.json_values import Json, JsonObject, object_or_empty

ADDED, DONE = "response.output_item.added", "response.output_item.done"
# The fields in which an event has a text that is complete.
_TEXTS = ("text", "refusal", "arguments", "input")


def is_progress(payload: JsonObject, *, blank_counts: bool) -> bool:
    """Return whether an event has content.

    ``blank_counts``: whether white space is content. It may go on with a text that has begun.
    Source: OpenAI API reference, "Streaming events".
    """
    kind = str(payload["type"])
    item = object_or_empty(payload.get("item"))
    if kind == ADDED:
        return kind_of(item) not in SILENT or says(item)
    if kind == DONE:
        return says(item)
    if kind.endswith(".delta"):
        return _is_said(payload.get("delta"), blank_counts=blank_counts)
    if kind.endswith(".done"):
        return any(_is_said(payload.get(name), blank_counts=blank_counts) for name in _TEXTS)
    return kind.endswith(".partial_image")


def _is_said(value: Json, *, blank_counts: bool) -> bool:
    if isinstance(value, str):
        return bool(value) and (blank_counts or not value.isspace())
    return bool(value)
