"""Finds out whether a request asks for prompt caching: it has a field `cache_control`, at any depth."""

from gateway.http.json_values import JsonObject, has_name

# The beginnings of escapes for ASCII letters and for the underscore of `cache_control`. No serializer
# writes them.
LETTER_ESCAPES = (b"\\u005", b"\\u006", b"\\u007")


def writes_cache(body: JsonObject, text: bytes, *, has_escapes: bool) -> bool:
    """Return whether the body has a field `cache_control`, at any depth, also if its name is escaped.

    Args:
        body: the body, parsed.
        text: the body's fields as JSON.
        has_escapes: whether the text has Unicode escapes.
    """
    if b'"cache_control"' in text:
        return True
    return (
        has_escapes and any(escape in text for escape in LETTER_ESCAPES) and has_name(body, "cache_control")
    )
