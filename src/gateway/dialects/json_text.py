"""Finds the JSON in a text that should be JSON. Models put it in a Markdown fence."""

import re
from collections.abc import Mapping
from types import MappingProxyType

from gateway.dialects.answer_test import JsonRoot
from gateway.http.json_bytes import TooManyValuesError, parse_json
from gateway.http.json_values import Json, object_or_empty

ROOTS: Mapping[str, JsonRoot] = MappingProxyType({"object": "object", "array": "array"})
_TYPES: Mapping[JsonRoot, type] = MappingProxyType({"object": dict, "array": list})
# The white space that JSON allows around a value. Source: RFC 8259, section 2.
_JSON_BLANKS = " \t\r\n"
# No white space to Python or JSON, and not shown: a byte order mark, and a space without a width.
_UNSEEN = "\ufeff\u200b"
_FENCE = "```"
# A fence, with the name of a language: `json` anywhere, any other at the end of the line.
_OPENING = re.compile(r"```(?:json(?!\w)|[a-z][\w.+-]{0,30}+(?=[ \t\r]*+\n))?+", re.IGNORECASE | re.ASCII)


def root_of_schema(schema: Json) -> JsonRoot | None:
    """Return the type that JSON must have by a JSON Schema; None if it may have any."""
    name = object_or_empty(schema).get("type")
    return ROOTS.get(name) if isinstance(name, str) else None


def without_fence(text: str, root: JsonRoot | None) -> str:
    """Return the JSON of this type in a text without the fence around it; other texts as they are."""
    if _bare(text) == text.strip(_JSON_BLANKS):
        return text
    found = json_in(text, root)
    return text if found is None else found


def json_in(text: str, root: JsonRoot | None) -> str | None:
    """Return the text if it is JSON of this type, else what is in its fence; None if that is none either.

    A text with more values than the gateway reads passes unread.
    """
    return next((each for each in (text, _bare(text)) if is_json(each, root)), None)


def is_json(text: str, root: JsonRoot | None) -> bool:
    """Return whether a text is JSON of this type. One with more values than the gateway reads counts."""
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
