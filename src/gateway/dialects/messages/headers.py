"""Finds the headers of a caller that belong to Messages, and go to OpenRouter."""

import re

from gateway.http.message import HeaderPairs, HttpRequest

PREFIX = "anthropic-"
VERSION = ("anthropic-version", "2023-06-01")
# The beta list of Claude Code has some 500 characters. Source: its requests.
MAX_HEADERS, MAX_VALUE_CHARACTERS = 20, 8_192
_NAME = re.compile(r"anthropic-[a-z0-9-]{1,64}")


def upstream_headers(request: HttpRequest) -> HeaderPairs:
    """Return the headers that begin with ``anthropic-``, by name. The version is always among them.

    They are an open set that belongs to the fields of the body, so none is chosen. Left out is what is too
    long, or not printable ASCII: runtimes differ in how they send that.
    Source: Anthropic "LLM gateway": headers with this prefix go on unchanged.
    """
    found = dict([VERSION])
    for name, value in sorted(request.named(PREFIX)):
        if len(found) < MAX_HEADERS and _NAME.fullmatch(name) and _may_pass(value):
            found[name] = value.strip()
    return tuple(sorted(found.items()))


def _may_pass(value: str) -> bool:
    text = value.strip()
    return 0 < len(text) <= MAX_VALUE_CHARACTERS and text.isascii() and text.isprintable()
