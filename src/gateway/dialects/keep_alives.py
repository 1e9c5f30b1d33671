"""Takes the keep-alives off a plain answer: white space and comments before its JSON."""

import re

_KEEP_ALIVES = re.compile(rb"(?:\xef\xbb\xbf)?(?:\s++|:[^\n]*+(?:\n|\Z))*+")


def without_keep_alives(raw: bytes) -> bytes:
    """Return a JSON body without a BOM, and without the white space and comments sent as keep-alives."""
    found = _KEEP_ALIVES.match(raw)
    return raw[found.end() if found else 0 :].rstrip()
