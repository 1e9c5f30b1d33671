"""Reads a JavaScript body up to a limit, and holds no more of it than the limit."""

from typing import Any

from js import Object, Uint8Array
from pyodide.ffi import JsException, to_js

from gateway.http.message import BodyTooLargeError

# How much one read asks for. The first read is enough for most bodies. Each read costs about 0.1 ms.
FIRST_BYTES, PIECE_BYTES = 65_536, 262_144
# Read at once, a larger body would take twice its size of JavaScript's memory.
MAX_AT_ONCE_BYTES = 1024 * 1024
MAX_DIGITS = 15


def declared_length(content_length: str | None) -> int | None:
    """Return the length that a ``content-length`` header declares; None if it declares none."""
    text = content_length or ""
    return int(text) if text.isascii() and text.isdigit() and len(text) <= MAX_DIGITS else None


async def read_bounded(js_body: Any, limit_bytes: int, *, drain: bool = False) -> bytes:
    """Return the complete body.

    Args:
        js_body: a ``ReadableStream``, or nothing.
        limit_bytes: the most that the body may have.
        drain: read a body that is too large to its end.

    Raises:
        BodyTooLargeError: the body is larger.
        JsException: the body was cut off, or aborted.
    """
    if not js_body:
        return b""
    read = _read_of(js_body)
    pieces = []
    left_bytes, is_done, piece_bytes = limit_bytes, False, FIRST_BYTES
    while not is_done:
        result = await read(piece_bytes)
        is_done, piece_bytes = result.done, PIECE_BYTES
        # The last piece may come with the end or before it.
        piece = result.value.to_bytes() if result.value else b""
        left_bytes -= len(piece)
        if left_bytes >= 0:
            pieces.append(piece)
        elif not drain:
            raise BodyTooLargeError
    if left_bytes < 0:
        raise BodyTooLargeError
    return b"".join(pieces)


def _read_of(js_body: Any) -> Any:
    """Return a function that reads a given number of bytes, or up to the end, and returns a promise.

    A body may arrive in many small pieces, and a small piece costs as much as a large one. So the runtime
    joins them. A stream that cannot do this returns each piece as it arrived.
    """
    reader = bytes_reader_of(js_body)
    if not reader:
        reader = js_body.getReader()
        return lambda _: reader.read()
    if hasattr(reader, "readAtLeast"):  # Cloudflare's own method; all its runtimes have it
        return lambda size: reader.readAtLeast(size, Uint8Array.new(size))
    return lambda size: reader.read(
        Uint8Array.new(size), to_js({"min": size}, dict_converter=Object.fromEntries)
    )


def bytes_reader_of(js_body: Any) -> Any:
    """Return a reader that fills buffers (BYOB); None if the stream has none."""
    try:
        return js_body.getReader(to_js({"mode": "byob"}, dict_converter=Object.fromEntries))
    except JsException:
        return None
