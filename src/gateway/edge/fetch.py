"""Sends upstream requests with the runtime's ``fetch``; an abort controller per request can cancel it."""

from typing import Any

from js import AbortController, Headers, Uint8Array, fetch
from pyodide.ffi import JsException, to_js

from gateway.edge.bounded import MAX_AT_ONCE_BYTES, bytes_reader_of, read_bounded
from gateway.http.content_length import body_length
from gateway.http.destination import check_destination
from gateway.http.message import BodyTooLargeError, ReplyTooLargeError, TransportError, UpstreamRequest

# Node's fetch hides the status of a redirect that it does not follow, and reports 0.
OPAQUE_REDIRECT = 0
# Most streams commit within so many pieces.
FEW_READS = 8
PIECE_BYTES = 65_536


def text_or_none(value: Any) -> str | None:
    """Return a JavaScript string; None for a missing value (undefined, null or jsnull, by runtime)."""
    return value if isinstance(value, str) else None


def _to_js_body(body: bytes | tuple[bytes | memoryview, ...]) -> Any:
    """Return a body in JavaScript's memory. Pieces are copied there one by one: Python's never shrinks."""
    if isinstance(body, bytes):
        return to_js(body)
    joined, place = Uint8Array.new(sum(map(len, body))), 0
    for piece in body:
        joined.subarray(place, place + len(piece)).assign(piece)
        place += len(piece)
    return joined


class FetchTransport:
    """Sends requests with ``fetch``; see ``memory.ports.Transport``."""

    async def send(self, request: UpstreamRequest) -> "FetchReply":
        """Return the reply as soon as its headers have arrived. Cancelling closes the connection.

        Raises:
            TransportError: there was no reply.
        """
        url, headers = check_destination(request)
        controller = AbortController.new()
        try:
            response = await fetch(
                url,
                method=request.method,
                headers=Headers.new(to_js([list(pair) for pair in headers])),
                body=_to_js_body(request.body) if request.body else None,
                redirect="manual",
                signal=controller.signal,
            )
        except JsException as error:
            raise TransportError(error.name) from None
        except BaseException:  # cancelling only the task would leave the socket open
            controller.abort()
            raise
        return FetchReply(response, controller)


class FetchReply:
    """A ``fetch`` response; see ``http.message.Reply``."""

    def __init__(self, response: Any, controller: Any) -> None:
        status: int = response.status
        self.status = 302 if status == OPAQUE_REDIRECT else status
        self._response = response
        self._headers = response.headers
        self._controller = controller
        self._reader: Any = None
        self._read: Any = None
        self._reads = 0

    def header(self, name: str) -> str | None:
        """Return a header's value; None if there is none."""
        return text_or_none(self._headers.get(name))

    async def read(self) -> bytes:
        """Return the next piece of the body as it arrived; ``b""`` at the end.

        Raises:
            TransportError: the body was cut off, or aborted.
        """
        try:
            if self._reads in (0, FEW_READS) and not self._open_reader():
                return b""
            self._reads += 1
            while True:
                result = await self._read()
                if result.done:
                    return b""
                piece: bytes = result.value.to_bytes()
                if piece:  # an empty piece is not the end
                    return piece
        except JsException as error:
            raise TransportError(error.name) from None

    def _open_reader(self) -> bool:
        """Open a reader for the next pieces; return whether there is a body.

        After a few pieces it is one that takes larger ones: the 2024 runtime's have 4 KB otherwise, and an
        image in one event has some megabytes.
        """
        if not self._response.body:
            return False
        body, reader = self.release(), None
        if self._reads:
            reader = bytes_reader_of(body)
            self._read = lambda: reader.read(Uint8Array.new(PIECE_BYTES))
        if not reader:
            reader = body.getReader()
            self._read = reader.read
        self._reader = reader
        return True

    async def read_all(self, limit_bytes: int) -> bytes:
        """Return the complete body.

        Raises:
            ReplyTooLargeError: it has more than ``limit_bytes``; no more of it was read.
            TransportError: the body was cut off, or aborted.
        """
        length = body_length(self.header)
        if length is not None and length > limit_bytes:
            raise ReplyTooLargeError
        try:
            if length is None or length > MAX_AT_ONCE_BYTES:
                return await read_bounded(self._response.body, limit_bytes, declared_bytes=length)
            body: bytes = (await self._response.arrayBuffer()).to_bytes()
        except BodyTooLargeError:
            raise ReplyTooLargeError from None
        except JsException as error:
            raise TransportError(error.name) from None
        return body

    def release(self) -> Any:
        """Return the JavaScript body for another reader. After this, ``read`` must not be called."""
        if self._reader is not None:
            self._reader.releaseLock()
            self._reader = None
        return self._response.body

    def abort(self) -> None:
        """Close the connection; a pending read raises ``TransportError``."""
        self._controller.abort()
