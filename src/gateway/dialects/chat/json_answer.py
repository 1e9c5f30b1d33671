"""Checks that the text of an answer to a request for JSON is JSON, and takes the Markdown fence off it."""

from gateway.dialects.answer_test import JsonRoot
from gateway.dialects.json_text import json_in, root_of_schema, without_fence
from gateway.http.json_values import Json, JsonObject, list_or_empty, object_or_empty

TEXT_PARTS = ("text", "output_text")


def json_root_of(response_format: JsonObject) -> JsonRoot | None:
    """Return the type that an answer must have by ``response_format``; None if it may have any.

    Source: OpenAI API reference, ``response_format``.
    """
    kind = response_format.get("type")
    if kind == "json_object":
        return "object"
    if kind != "json_schema":
        return None
    return root_of_schema(object_or_empty(response_format.get("json_schema")).get("schema"))


def has_json(message: JsonObject, root: JsonRoot | None) -> bool:
    """Return whether a message's text is JSON of this type, with or without a Markdown fence.

    True for a message without a text, such as a refusal, and for one with tool calls: the JSON comes later.
    """
    text = _text_of(message.get("content"))
    if not text or text.isspace() or message.get("tool_calls") or message.get("function_call"):
        return True
    return json_in(text, root) is not None


def take_fences_off(payload: JsonObject, root: JsonRoot | None) -> bool:
    """Leave of each choice's text only its JSON, if it is JSON; return whether that changed anything."""
    changed = False
    for choice in list_or_empty(payload.get("choices")):
        message = object_or_empty(object_or_empty(choice).get("message"))
        text = message.get("content")
        if not isinstance(text, str) or message.get("tool_calls"):
            continue
        found = without_fence(text, root)
        if found != text:
            message["content"] = found
            changed = True
    return changed


def _text_of(content: Json) -> str:
    """Return a message's text, also if it is in parts. ``answer_shape`` joins them in the same way."""
    if isinstance(content, str):
        return content
    parts = [
        {"text": each} if isinstance(each, str) else object_or_empty(each) for each in list_or_empty(content)
    ]
    texts = [each.get("text") for each in parts if each.get("type", "text") in TEXT_PARTS]
    return "".join(each for each in texts if isinstance(each, str))
