"""Server-sent events as bytes: in the usual framing, and in legal but unusual ones that parsers get wrong."""

import json

from simulator.answers import dumps

COMMENT = b": OPENROUTER PROCESSING\n\n"
DONE = b"data: [DONE]\n\n"
BOM = b"\xef\xbb\xbf"


def event(payload: object) -> bytes:
    """Return an event in OpenRouter's framing."""
    return b"data: " + dumps(payload) + b"\n\n"


def with_crlf(framed: bytes) -> bytes:
    """Return the event with CRLF line ends."""
    return framed.replace(b"\n", b"\r\n")


def with_cr(framed: bytes) -> bytes:
    """Return the event with CR line ends."""
    return framed.replace(b"\n", b"\r")


def multi_line(payload: object) -> bytes:
    """Return an event with its data on several `data:` lines (a reader joins them with a newline)."""
    lines = json.dumps(payload, ensure_ascii=False, indent=1).splitlines()
    return "".join(f"data: {line}\n" for line in lines).encode() + b"\n"
