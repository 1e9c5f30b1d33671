"""Removes ``model`` from the text of a request body without a new serialisation.

Serialising a long prompt again is expensive, so the text that the caller sent is used where possible.
"""

import re

from gateway.http.json_values import JsonObject

# Quotes inside JSON strings are escaped, so this can match real keys only. It may match a nested key.
_MODEL = re.compile(rb'"model"\s*:\s*"[^"\\]*"\s*(,\s*)?')
_BLANKS = b" \t\r\n"  # the whitespace of JSON


def splice(raw: bytes, body: JsonObject) -> bytes | None:
    """Return the text of a JSON object without its opening brace and without its ``model``.

    The result can follow ``{"model":"…",``. It is None if ``model`` cannot be removed from the text safely:
    then the body must be serialised again.

    Args:
        raw: the object's text, in UTF-8.
        body: the parsed object. It names no field twice. Of the fields that the gateway sets or removes, it
            may hold only ``model``.
    """
    if b"\\" in raw and b"\\u" in raw:  # a key may be escaped, and escapes make a text up to 3 times as long
        return None
    text = raw.strip(_BLANKS)
    if "model" not in body:
        return text[1:]
    place = text.find(b'"model"')
    found = _MODEL.match(text, place) if place >= 0 else None
    if found is None:
        return None
    before, after = text[1:place], text[found.end() :]
    if before.strip(_BLANKS) and b'"model"' in after:  # one of the two is a nested key
        return None
    if found[1] is None:  # it is the last field: remove the comma before it
        before = before.rstrip(_BLANKS)
        if not before.endswith(b","):
            return None
        before = before[:-1]
    return before + after
