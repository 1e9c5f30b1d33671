"""Finds the JSON in the text of an answer to a request for JSON. Models put it in a Markdown fence."""

import re
from collections.abc import Mapping
from types import MappingProxyType

from gateway.dialects.answer_test import JsonRoot
from gateway.http.json_bytes import TooManyValuesError, parse_json
from gateway.http.json_values import Json, JsonObject, list_or_empty, object_or_empty

TEXT_PARTS = ("text", "output_text")
ROOTS: Mapping[str, JsonRoot] = MappingProxyType({"object": "object", "array": "array"})
_TYPES: Mapping[JsonRoot, type] = MappingProxyType({"object": dict, "array": list})
# The white space that JSON allows around a value. Source: RFC 8259, section 2.
_JSON_BLANKS = " \t\r\n"
# No white space to Python or JSON, and not shown: a byte order mark, and a space without a width.
_UNSEEN = "\ufeff\u200b"
_FENCE = "```"
# A fence, with the name of a language: `json` anywhere, any other at the end of the line.
_OPENING = re.compile(r"```(?:json(?!\w)|[a-z][\w.+-]{0,30}+(?=[ \t\r]*+\n))?+", re.IGNORECASE | re.ASCII)


def json_root_of(response_format: JsonObject) -> JsonRoot | None:
    """Return the type that an answer must have by ``response_format``; None if it may have any.

    Source: OpenAI API reference, ``response_format``.
    """
    kind = response_format.get("type")
    if kind == "json_object":
        return "object"
    if kind != "json_schema":
        return None
    schema = object_or_empty(object_or_empty(response_format.get("json_schema")).get("schema"))
    name = schema.get("type")
    return ROOTS.get(name) if isinstance(name, str) else None


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
        if not isinstance(text, str) or message.get("tool_calls") or _bare(text) == text.strip(_JSON_BLANKS):
            continue
        found = json_in(text, root)
        if found is not None and found != text:
            message["content"] = found
            changed = True
    return changed


def json_in(text: str, root: JsonRoot | None) -> str | None:
    """Return the text if it is JSON of this type, else what is in its fence; None if that is none either.

    A text with more values than the gateway reads passes unread.
    """
    return next((each for each in (text, _bare(text)) if _is_json(each, root)), None)


def _is_json(text: str, root: JsonRoot | None) -> bool:
    try:
        value = parse_json(text.encode("utf-8", "surrogatepass"))
    except TooManyValuesError:
        return not text.startswith(_FENCE)
    except ValueError:
        return False
    return root is None or isinstance(value, _TYPES[root])


def _bare(text: str) -> str:
    """Return a text without the lines of a Markdown fence around it. Each of them may be missing."""
    text = text.strip().strip(_UNSEEN).strip()
    opening = _OPENING.match(text)
    return text[opening.end() if opening else 0 :].removesuffix(_FENCE).strip()


def _text_of(content: Json) -> str:
    """Return a message's text, also if it is in parts. ``answer_shape`` joins them in the same way."""
    if isinstance(content, str):
        return content
    parts = [
        {"text": each} if isinstance(each, str) else object_or_empty(each) for each in list_or_empty(content)
    ]
    texts = [each.get("text") for each in parts if each.get("type", "text") in TEXT_PARTS]
    return "".join(each for each in texts if isinstance(each, str))
