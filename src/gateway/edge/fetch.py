"""Sends upstream requests with the runtime's ``fetch``; an abort controller per request can cancel it."""

from typing import Any

from js import AbortController, Headers, fetch
from pyodide.ffi import JsException, to_js

from gateway.edge.bounded import read_bounded
from gateway.http.destination import check_destination
from gateway.http.message import BodyTooLargeError, ReplyTooLargeError, TransportError, UpstreamRequest

# Node's fetch hides the status of a redirect that it does not follow, and reports 0.
OPAQUE_REDIRECT = 0


def text_or_none(value: Any) -> str | None:
    """Return a JavaScript string; None for a missing value (undefined, null or jsnull, by runtime)."""
    return value if isinstance(value, str) else None


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
                body=to_js(request.body) if request.body else None,
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

    def header(self, name: str) -> str | None:
        """Return a header's value; None if there is none."""
        return text_or_none(self._headers.get(name))

    async def read(self) -> bytes:
        """Return the next piece of the body as it arrived; ``b""`` at the end.

        Raises:
            TransportError: the body was cut off, or aborted.
        """
        try:
            if self._reader is None:
                if not self._response.body:
                    return b""
                self._reader = self._response.body.getReader()
            while True:
                result = await self._reader.read()
                if result.done:
                    return b""
                piece: bytes = result.value.to_bytes()
                if piece:  # an empty piece is not the end
                    return piece
        except JsException as error:
            raise TransportError(error.name) from None

    async def read_all(self, limit_bytes: int) -> bytes:
        """Return the complete body.

        Raises:
            ReplyTooLargeError: it has more than ``limit_bytes``; no more of it was read.
            TransportError: the body was cut off, or aborted.
        """
        declared = self.header("content-length") or ""
        is_known = declared.isdigit() and not self.header("content-encoding")
        if is_known and int(declared) > limit_bytes:
            raise ReplyTooLargeError
        try:
            if not is_known:
                return await read_bounded(self._response.body, limit_bytes)
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
