"""Brings what all answers with choices have into one shape: their time, and each finish reason."""

from gateway.dialects.fill import fill
from gateway.dialects.finish_reason import finish_of
from gateway.dialects.usage_shape import count_or_none
from gateway.http.json_values import JsonObject

MAX_NATIVE_CHARACTERS = 100


def make_created_whole(payload: JsonObject) -> bool:
    """Turn a time that is text or a fraction into a whole number; what is no time counts as missing."""
    created = payload.get("created")
    if created is None or (type(created) is int and created > 0):
        return False
    payload["created"] = count_or_none(created) or None
    return True


def shape_finish(choice: JsonObject, *, has_calls: bool) -> bool:
    """Give a choice one of OpenAI's finish reasons; keep the provider's as ``native_finish_reason``."""
    native = choice.get("finish_reason")
    reason = finish_of(native)
    if reason == "stop" and has_calls:
        reason = "tool_calls"  # some providers send "stop" here; agents wait for "tool_calls"
    if reason == native:
        return False
    choice["finish_reason"] = reason
    if reason is not None and isinstance(native, str):
        fill(choice, {"native_finish_reason": native[:MAX_NATIVE_CHARACTERS]})
    return True
