"""Decides whether a Messages answer may be cached.

Only complete answers that are text and thinking are cached, and that no limit has cut off. A second request
must not get an answer that was refused, that calls a tool, or whose check was not made for it.
"""

from gateway.dialects.messages.content import THINKING_BLOCKS
from gateway.http.json_values import Json, JsonObject, list_or_empty, object_or_empty, text_or_none

# The stop reasons of an answer that its model ended as usual.
ENDS = frozenset({"end_turn", "stop_sequence"})
_BLOCKS = THINKING_BLOCKS | {"text"}
# What a check of the answer found. Source: Anthropic's `safeguards`.
_CHECKED = "safeguard_results"


def is_cacheable(payloads: list[JsonObject]) -> bool:
    """Return whether the events of a stream, or a plain answer alone, may be cached."""
    if not payloads or any(payload.get("error") for payload in payloads):
        return False
    last = payloads[-1]
    if last.get("type") == "message":
        return (
            len(payloads) == 1 and _has_ended(last) and all(map(_is_said, list_or_empty(last.get("content"))))
        )
    if last.get("type") != "message_stop":
        return False
    starts = [event for event in payloads if event.get("type") == "content_block_start"]
    ends = [object_or_empty(event.get("delta")) for event in payloads if event.get("type") == "message_delta"]
    return (
        len(ends) == 1
        and _has_ended(ends[0])
        and all(_is_said(event.get("content_block")) for event in starts)
    )


def _has_ended(fields: JsonObject) -> bool:
    return text_or_none(fields.get("stop_reason")) in ENDS and fields.get(_CHECKED) is None


def _is_said(block: Json) -> bool:
    return text_or_none(object_or_empty(block).get("type")) in _BLOCKS
