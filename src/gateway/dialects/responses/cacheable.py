"""Decides whether a Responses answer may be cached.

Only complete answers that are messages and reasoning are cached. A second request must not get an answer that
calls a tool, was refused, or was cut off by a limit.
"""

from gateway.dialects.responses.items import SILENT, kind_of, output_of
from gateway.http.json_values import JsonObject, list_or_empty, object_or_empty

COMPLETED = "completed"


def is_cacheable(payloads: list[JsonObject]) -> bool:
    """Return whether the events of a stream, or a plain answer alone, may be cached."""
    if not payloads or any(payload.get("error") for payload in payloads):
        return False
    last = payloads[-1]
    if last.get("type") == "response.completed":
        added = [payload.get("item") for payload in payloads if "item" in payload]
        return _may_be_kept(object_or_empty(last.get("response"))) and all(
            kind_of(item) in SILENT for item in added
        )
    return len(payloads) == 1 and _may_be_kept(last)


def _may_be_kept(response: JsonObject) -> bool:
    return response.get("status") == COMPLETED and all(map(_is_text, output_of(response)))


def _is_text(item: JsonObject) -> bool:
    parts = list_or_empty(item.get("content"))
    refused = any(object_or_empty(part).get("type") == "refusal" for part in parts)
    return kind_of(item) in SILENT and not refused
