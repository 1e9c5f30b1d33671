"""Server-sent events as bytes: the usual framing, and the legal but unusual ones that parsers trip over."""

import json

from simulator.answers import dumps

COMMENT = b": OPENROUTER PROCESSING\n\n"
DONE = b"data: [DONE]\n\n"
BOM = b"\xef\xbb\xbf"


def event(payload: object) -> bytes:
    """One event as OpenRouter frames it."""
    return b"data: " + dumps(payload) + b"\n\n"


def with_crlf(framed: bytes) -> bytes:
    """The event with CRLF line ends."""
    return framed.replace(b"\n", b"\r\n")


def with_cr(framed: bytes) -> bytes:
    """The event with bare CR line ends."""
    return framed.replace(b"\n", b"\r")


def multi_line(payload: object) -> bytes:
    """One event whose data is spread over several `data:` lines (a reader joins them with a newline)."""
    lines = json.dumps(payload, ensure_ascii=False, indent=1).splitlines()
    return "".join(f"data: {line}\n" for line in lines).encode() + b"\n"
