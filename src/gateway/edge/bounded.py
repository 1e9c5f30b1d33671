"""Reads a JavaScript body up to a limit, and holds no more of it than the limit."""

from io import BytesIO
from typing import Any

from js import Object, Uint8Array
from pyodide.ffi import JsException, to_js

from gateway.http.message import BodyTooLargeError

# How much one read asks for. The first read is enough for most bodies. Each read costs about 0.1 ms.
FIRST_BYTES, PIECE_BYTES = 65_536, 262_144
# Read at once, a larger body would take twice its size of JavaScript's memory.
MAX_AT_ONCE_BYTES = 1024 * 1024


async def read_bounded(
    js_body: Any, limit_bytes: int, *, declared_bytes: int | None = None, drain: bool = False
) -> bytes:
    """Return the complete body. Python holds it once: its memory never shrinks.

    Args:
        js_body: a ``ReadableStream``, or nothing.
        limit_bytes: the most that the body may have.
        declared_bytes: how many it has; None if that is unknown. JavaScript holds it meanwhile.
        drain: read a body that is too large to its end.

    Raises:
        BodyTooLargeError: the body is larger.
        JsException: the body was cut off, or aborted.
    """
    if not js_body:
        return b""
    read, collected = _read_of(js_body), _Collected(declared_bytes, limit_bytes)
    left_bytes, is_done, view = limit_bytes, False, Uint8Array.new(FIRST_BYTES)
    while not is_done:
        result = await read(view)
        is_done, value = result.done, result.value
        if not value:  # the last piece may come with the end or before it
            continue
        left_bytes -= value.byteLength
        if left_bytes < 0 and not drain:
            raise BodyTooLargeError
        view = Uint8Array.new(collected.add(value) if left_bytes >= 0 else _memory_after(value))
    if left_bytes < 0:
        raise BodyTooLargeError
    return collected.to_bytes()


class _Collected:
    """The pieces of a body, in one buffer of Python's; in JavaScript until the length is known."""

    def __init__(self, declared_bytes: int | None, limit_bytes: int) -> None:
        self._is_declared = declared_bytes is not None
        self._values: list[Any] = []
        self._buffer = BytesIO()
        self._reserve(min(declared_bytes or 0, limit_bytes))

    def add(self, value: Any) -> Any:
        """Add a piece; return the memory for the next one, or its size."""
        if not self._is_declared:
            self._values.append(value)
            return PIECE_BYTES
        self._buffer.write(value.to_bytes())
        return _memory_after(value)

    def to_bytes(self) -> bytes:
        """Return all pieces."""
        if not self._is_declared:
            self._reserve(sum(value.byteLength for value in self._values))
        for value in self._values:
            self._buffer.write(value.to_bytes())
        self._buffer.truncate()
        return self._buffer.getvalue()

    def _reserve(self, size_bytes: int) -> None:
        """Make the buffer so large that it need not be moved. If it is full, ``getvalue`` copies nothing."""
        if size_bytes:
            self._buffer.seek(size_bytes - 1)
            self._buffer.write(b"\0")
            self._buffer.seek(0)


def _memory_after(value: Any) -> Any:
    """Return the memory for the next piece: that of this one, or the size of new memory.

    JavaScript's memory is freed late. New memory for each piece would add up to the body's size.
    """
    return value.buffer if value.buffer.byteLength == PIECE_BYTES else PIECE_BYTES


def _read_of(js_body: Any) -> Any:
    """Return a function that fills a view, or reads up to the end, and returns a promise.

    A body may arrive in many small pieces, and a small piece costs as much as a large one. So the runtime
    joins them. A stream that cannot do this returns each piece as it arrived.
    """
    reader = bytes_reader_of(js_body)
    if not reader:
        reader = js_body.getReader()
        return lambda _: reader.read()
    if hasattr(reader, "readAtLeast"):  # Cloudflare's own method; all its runtimes have it
        return lambda view: reader.readAtLeast(view.byteLength, view)
    return lambda view: reader.read(view, to_js({"min": view.byteLength}, dict_converter=Object.fromEntries))


def bytes_reader_of(js_body: Any) -> Any:
    """Return a reader that fills buffers (BYOB); None if the stream has none."""
    try:
        return js_body.getReader(to_js({"mode": "byob"}, dict_converter=Object.fromEntries))
    except JsException:
        return None
