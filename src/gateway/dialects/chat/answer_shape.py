"""Brings plain answers into one shape, whatever the model: OpenAI's fields, types and finish reasons.

Every function changes its argument in place and returns whether it changed anything. An answer that already
has the shape can therefore be passed on byte for byte. Fields that the shape does not define are left alone.
"""

from collections.abc import Mapping
from types import MappingProxyType

from gateway.dialects.chat.choices import said_in
from gateway.dialects.chat.finish_reason import finish_of
from gateway.dialects.chat.tool_calls import shape_calls
from gateway.dialects.chat.usage_shape import count_or_none, shape_usage
from gateway.dialects.fill import fill
from gateway.http.json_values import Json, JsonObject, list_or_empty, object_or_empty

_NESTED_TEXTS = ("text", "thinking", "value", "content")
MAX_NATIVE_CHARACTERS = 100
# How deep the text of a content part may be nested.
MAX_PART_LEVELS = 4


def shape_completion(payload: JsonObject, *, always: JsonObject) -> bool:
    """Give a plain answer the shape; ``always`` holds defaults for top-level fields that it may lack."""
    changed = make_created_whole(payload) | fill(payload, always)
    for index, choice in enumerate(list_or_empty(payload.get("choices"))):
        if isinstance(choice, dict):
            changed |= fill(choice, {"index": index}) | _fill_null(choice, "logprobs", "finish_reason")
            message = said_in(choice, "message")
            if isinstance(message, dict):
                changed |= fill(choice, {"message": message})
                changed |= fill(message, {"role": "assistant"}) | _fill_null(message, "content", "refusal")
                changed |= shape_message(message) | shape_calls(message, answer_id=payload.get("id"))
            changed |= shape_finish(choice, has_calls=bool(object_or_empty(message).get("tool_calls")))
    return changed | shape_usage(payload)


def make_created_whole(payload: JsonObject) -> bool:
    """Turn a time that is text or a fraction into a whole number; what is no time counts as missing."""
    created = payload.get("created")
    if created is None or (type(created) is int and created > 0):
        return False
    payload["created"] = count_or_none(created) or None
    return True


def shape_message(message: JsonObject) -> bool:
    """Give a message or a delta the shape: texts as strings, ``reasoning``, ``images``, ``tool_calls``."""
    changed = False
    content = message.get("content")
    if isinstance(content, list):
        _split_parts(message, content)
        changed = True
    if not message.get("reasoning") and isinstance(message.get("reasoning_content"), str):
        message["reasoning"] = message["reasoning_content"]
        changed = True
    if isinstance(message.get("tool_calls"), dict):
        message["tool_calls"] = [message["tool_calls"]]
        changed = True
    function = message.get("function_call")
    if isinstance(function, dict) and not message.get("tool_calls"):
        message["tool_calls"] = [{"index": 0, "type": "function", "function": dict(function)}]
        changed = True
    return changed


# For each type of content part: the message's field for its text, and the part's field that holds the text.
# Other parts are kept under `content_parts`.
# Sources: Anthropic's and Mistral's content blocks, OpenAI's refusal part.
PART_TEXTS: Mapping[str, tuple[str, str]] = MappingProxyType({
    "text": ("content", "text"),
    "output_text": ("content", "text"),
    "thinking": ("reasoning", "thinking"),
    "reasoning": ("reasoning", "text"),
    "refusal": ("refusal", "refusal"),
})  # fmt: skip  # one type a line


def _split_parts(message: JsonObject, parts: list[Json]) -> None:
    """Move the texts of content parts to their fields, images to ``images``, others to ``content_parts``."""
    texts: dict[str, list[str]] = {}
    images: list[Json] = []
    others: list[Json] = []
    for part in parts:
        fields = object_or_empty(part)
        place, name = PART_TEXTS.get(str(fields.get("type") or "text"), ("", ""))
        text = part if isinstance(part, str) else _text_of(fields.get(name))
        if isinstance(text, str):
            texts.setdefault(place or "content", []).append(text)
        elif fields.get("type") == "image_url":
            images.append(part)
        else:
            others.append(part)
    message["content"] = None
    for place, pieces in texts.items():
        if place == "content" or not message.get(place):
            message[place] = "".join(pieces)
    if images:
        message["images"] = [*list_or_empty(message.get("images")), *images]
    if others:
        message["content_parts"] = others


def _text_of(value: Json, levels: int = MAX_PART_LEVELS) -> str | None:
    """Return the text of a content part, which may be text, or parts with text again; None if it is neither.

    Sources: Mistral ``"thinking": [{"type": "text", "text": …}]``; OpenAI ``"text": {"value": …}``.
    """
    if isinstance(value, str) or not levels:
        return value if isinstance(value, str) else None
    if isinstance(value, list):
        texts = [_text_of(each, levels - 1) for each in value]
        return None if None in texts else "".join(each for each in texts if each)
    if not isinstance(value, dict):
        return None
    within = next((value[name] for name in _NESTED_TEXTS if value.get(name) is not None), None)
    return _text_of(within, levels - 1)


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


def _fill_null(fields: JsonObject, *names: str) -> bool:
    """Set fields that are missing to null; return whether there were any."""
    missing = [name for name in names if name not in fields]
    fields.update(dict.fromkeys(missing))
    return bool(missing)
