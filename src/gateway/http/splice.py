"""splice: a caller's body as it came, without its model; to serialise a long prompt again is dear."""

import re

from gateway.http.json_values import JsonObject

# Quotes inside JSON strings are escaped, so this can match a real key only, be it one further down.
_MODEL = re.compile(rb'"model"\s*:\s*"[^"\\]*"\s*(,\s*)?')
_BLANKS = b" \t\r\n"  # JSON's


def splice(raw: bytes, body: JsonObject) -> bytes | None:
    """Return an object's inside without ``model``, and its closing brace; None where its text does not do.

    Args:
        raw: the object's text, in UTF-8.
        body: what it holds; no field is named twice. Of the gateway's own fields it may have `model` alone.
    """
    if b"\\" in raw and b"\\u" in raw:  # a key may be written so, and text thrice as long as it has to be
        return None
    text = raw.strip(_BLANKS)
    if "model" not in body:
        return text[1:]
    place = text.find(b'"model"')
    found = _MODEL.match(text, place) if place >= 0 else None
    if found is None:
        return None
    before, after = text[1:place], text[found.end() :]
    if before.strip(_BLANKS) and b'"model"' in after:  # one of them is a key further down
        return None
    if found[1] is None:  # it is the last: the comma before it goes
        before = before.rstrip(_BLANKS)
        if not before.endswith(b","):
            return None
        before = before[:-1]
    return before + after
