"""The unit tests' transport, on httpx: it replaces ``gateway.edge.fetch`` outside a Worker."""

import asyncio
from collections.abc import AsyncIterator, Coroutine
from typing import Any, TypeVar

import httpx

from gateway.http.destination import check_destination
from gateway.http.message import ReplyTooLargeError, TransportError, UpstreamRequest

Result = TypeVar("Result")


class HttpxTransport:
    """Sends requests with httpx. See ``gateway.memory.ports.Transport``.

    Attributes:
        replies: every reply whose headers have arrived, in order.
    """

    def __init__(self, upstream: httpx.AsyncBaseTransport) -> None:
        self.replies: list[HttpxReply] = []
        self._client = httpx.AsyncClient(transport=upstream, follow_redirects=False, trust_env=False)

    async def send(self, request: UpstreamRequest) -> "HttpxReply":
        """Return the reply once its headers have arrived."""
        url, headers = check_destination(request)
        body = request.body if isinstance(request.body, bytes) else b"".join(request.body)
        built = self._client.build_request(
            request.method, url, headers=list(headers), content=body, timeout=None
        )
        try:
            response = await self._client.send(built, stream=True)
        except httpx.TransportError as error:
            raise TransportError(type(error).__name__) from None
        self.replies.append(HttpxReply(response))
        return self.replies[-1]


class HttpxReply:
    """An httpx response. See ``gateway.http.message.Reply``.

    Attributes:
        aborted: whether the gateway has closed the connection.
        ended: whether the gateway has read the body to its end.
    """

    def __init__(self, response: httpx.Response) -> None:
        self.aborted = False
        self.ended = False
        self._response = response
        self._pieces: AsyncIterator[bytes] | None = None
        self._pending: asyncio.Task[Any] | None = None

    @property
    def status(self) -> int:
        """The HTTP status."""
        return self._response.status_code

    def header(self, name: str) -> str | None:
        """Return a header's value, or None."""
        value: str | None = self._response.headers.get(name)
        return value

    async def read(self) -> bytes:
        """Return the next piece of the body; ``b""`` at the end."""
        piece = await self._abortable(self._next_piece())
        self.ended = not piece
        return piece

    async def read_all(self, limit_bytes: int) -> bytes:
        """Return the complete body. Raises ``ReplyTooLargeError`` above the limit."""
        pieces, length = [], 0
        while piece := await self._abortable(self._next_piece()):
            length += len(piece)
            if length > limit_bytes:
                raise ReplyTooLargeError
            pieces.append(piece)
        self.ended = True
        return b"".join(pieces)

    def abort(self) -> None:
        """Close the connection; a pending read raises ``TransportError``."""
        self.aborted = True
        if self._pending is not None:
            self._pending.cancel()

    async def _next_piece(self) -> bytes:
        if self._pieces is None:
            self._pieces = self._response.aiter_raw()
        return await anext(self._pieces, b"")

    async def _abortable(self, work: Coroutine[Any, Any, Result]) -> Result:
        """Await ``work`` in a separate task, so that ``abort`` cancels this task only."""
        if self.aborted:
            work.close()
            raise TransportError("AbortError")
        task = asyncio.ensure_future(work)
        self._pending = task
        try:
            return await task
        except httpx.TransportError as error:
            raise TransportError(type(error).__name__) from None
        except asyncio.CancelledError:
            reader = asyncio.current_task()
            if self.aborted and not (reader and reader.cancelling()):
                raise TransportError("AbortError") from None
            raise
        finally:
            self._pending = None
