"""Brings plain answers into one shape, whatever the model: OpenAI's fields, types and finish reasons.

Every function changes its argument in place and returns whether it changed anything. An answer that already
has the shape can therefore be passed on byte for byte. Fields that the shape does not define are left alone.
"""

import json
from collections.abc import Mapping
from types import MappingProxyType

from gateway.http.json_values import Json, JsonObject, list_or_empty, number_or_none, object_or_empty

# Of an answer's id, in the ids that its tool calls lack.
MAX_ID_CHARACTERS = 200
# OpenAI's reasons. Source: OpenAI API reference, "The chat completion object".
FINISH_REASONS = frozenset({"stop", "length", "tool_calls", "content_filter"})
# Other finish reasons of providers, in lower case. Any other reason becomes `stop`. The provider's own reason
# is kept as `native_finish_reason`.
# Sources: Anthropic `stop_reason`, Google `finishReason`, OpenAI Responses `status`, TGI `finish_reason`.
FINISH_WORDS: Mapping[str, str] = MappingProxyType(
    {
        "max_tokens": "length",
        "max_output_tokens": "length",
        "model_length": "length",
        "incomplete": "length",
        "tool_use": "tool_calls",
        "tool_call": "tool_calls",
        "function_call": "tool_calls",
        "safety": "content_filter",
        "recitation": "content_filter",
        "blocklist": "content_filter",
        "prohibited_content": "content_filter",
        "content_filtered": "content_filter",
        "refusal": "content_filter",
    }
)


def shape_completion(payload: JsonObject, *, always: JsonObject) -> bool:
    """Give a plain answer the shape; ``always`` holds defaults for top-level fields that it may lack."""
    changed = _fill(payload, always)
    for index, choice in enumerate(list_or_empty(payload.get("choices"))):
        if isinstance(choice, dict):
            changed |= _fill(choice, {"index": index}) | _fill_null(choice, "logprobs", "finish_reason")
            message = choice.get("message")
            if isinstance(message, dict):
                changed |= _fill(message, {"role": "assistant"}) | _fill_null(message, "content", "refusal")
                changed |= shape_message(message)
                changed |= _shape_calls(
                    message, id_prefix=f"call_{str(payload.get('id'))[:MAX_ID_CHARACTERS]}_"
                )
            changed |= shape_finish(choice, has_calls=bool(object_or_empty(message).get("tool_calls")))
    return changed | shape_usage(payload)


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
        place, name = PART_TEXTS.get(str(fields.get("type", "text")), ("", ""))
        text = part if isinstance(part, str) else fields.get(name)
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


def _shape_calls(message: JsonObject, *, id_prefix: str) -> bool:
    """Give each tool call of a complete message an id, a type, and its arguments as a string."""
    changed = False
    for index, call in enumerate(list_or_empty(message.get("tool_calls"))):
        if isinstance(call, dict):
            changed |= _fill(call, {"id": f"{id_prefix}{index}", "type": "function"})
            changed |= shape_arguments(call)
    return changed


def shape_arguments(call: JsonObject) -> bool:
    """Turn a tool call's arguments into a string of JSON."""
    function = call.get("function")
    if not isinstance(function, dict) or isinstance(function.get("arguments"), str):
        return False
    arguments = function.get("arguments")
    function["arguments"] = "" if arguments is None else json.dumps(arguments, ensure_ascii=False)
    return True


def shape_finish(choice: JsonObject, *, has_calls: bool) -> bool:
    """Give a choice one of OpenAI's finish reasons; keep the provider's as ``native_finish_reason``."""
    native = choice.get("finish_reason")
    if not isinstance(native, str):
        return False
    reason = native if native in FINISH_REASONS else FINISH_WORDS.get(native.lower(), "stop")
    if reason == "stop" and has_calls:
        reason = "tool_calls"  # some providers send "stop" here; agents wait for "tool_calls"
    if reason == native:
        return False
    choice["finish_reason"] = reason
    _fill(choice, {"native_finish_reason": native})
    return True


def shape_usage(payload: JsonObject) -> bool:
    """Give the usage its three counts, its details, and its cost (null if the upstream stated none).

    A missing usage becomes null.
    """
    usage = payload.get("usage")
    if not isinstance(usage, dict):
        return _fill_null(payload, "usage")
    prompt = number_or_none(usage.get("prompt_tokens")) or 0
    completion = number_or_none(usage.get("completion_tokens")) or 0
    counts: JsonObject = {
        "prompt_tokens": int(prompt),
        "completion_tokens": int(completion),
        "total_tokens": int(prompt) + int(completion),  # a sum of floats may be infinite
        "prompt_tokens_details": {"cached_tokens": 0},
        "completion_tokens_details": {"reasoning_tokens": 0},
    }
    return _fill(usage, counts) | _fill_null(usage, "cost")


def _fill(fields: JsonObject, defaults: JsonObject) -> bool:
    """Set fields that are missing or null to their defaults; return whether there were any."""
    missing = {name: value for name, value in defaults.items() if fields.get(name) is None}
    fields.update(missing)
    return bool(missing)


def _fill_null(fields: JsonObject, *names: str) -> bool:
    """Set fields that are missing to null; return whether there were any."""
    missing = [name for name in names if name not in fields]
    fields.update(dict.fromkeys(missing))
    return bool(missing)
