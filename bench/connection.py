"""The load's connection: sends and receives raw bytes, and takes times as bytes arrive.

A client library would cost as much as a pass-through Worker, and would distort the measurement.
"""

import asyncio
from dataclasses import dataclass
from time import perf_counter
from typing import cast

END_OF_HEAD = b"\r\n\r\n"
LAST_CHUNK = b"\r\n0\r\n\r\n"


@dataclass(frozen=True, slots=True)
class Reply:
    """A reply and its times.

    Attributes:
        head: the status line and the headers, in lower case.
        body: the body as it was sent, without chunk framing.
        total_s: the time from the request's first byte to the reply's last byte.
        first_event_s: the time to the first event of a stream; None if there was no event.
    """

    head: bytes
    body: bytes
    total_s: float
    first_event_s: float | None

    @property
    def status(self) -> int:
        """The HTTP status."""
        return int(self.head[9:12])


class Connection(asyncio.Protocol):
    """Sends requests one after the other."""

    def __init__(self) -> None:
        self._transport: asyncio.Transport | None = None
        self._received = bytearray()
        self._began_s = 0.0
        self._first_event_s: float | None = None
        self._headers_bytes = 0
        self._body_bytes: int | None = None
        self._reply: asyncio.Future[Reply] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Store the transport."""
        self._transport = cast(asyncio.Transport, transport)  # uvloop's transport is no subclass of it

    def connection_lost(self, error: Exception | None) -> None:
        """Fail the request in flight."""
        if self._reply is not None and not self._reply.done():
            self._reply.set_exception(error or ConnectionResetError("closed before the reply was complete"))

    @property
    def is_open(self) -> bool:
        """Whether another request can be sent."""
        return self._transport is not None and not self._transport.is_closing()

    async def ask(self, request: bytes) -> Reply:
        """Send a request and return the reply.

        Raises:
            OSError: the connection was lost first.
        """
        assert self._transport is not None
        self._received = bytearray()
        self._headers_bytes, self._body_bytes, self._first_event_s = 0, None, None
        self._reply = asyncio.get_running_loop().create_future()
        self._began_s = perf_counter()
        self._transport.write(request)
        return await self._reply

    def close(self) -> None:
        """Close the connection."""
        if self._transport is not None:
            self._transport.close()

    def data_received(self, data: bytes) -> None:
        """Note the time of the first event, and finish the reply at its last byte."""
        self._received += data
        if not self._headers_bytes and not self._read_headers():
            return
        if self._first_event_s is None and self._body_bytes is None:
            at = self._received.find(b"data:", self._headers_bytes)
            self._first_event_s = perf_counter() - self._began_s if at >= 0 else None
        if self._is_complete() and self._reply is not None and not self._reply.done():
            total_s = perf_counter() - self._began_s
            headers, body = (
                bytes(self._received[: self._headers_bytes]),
                bytes(self._received[self._headers_bytes :]),
            )
            body = unchunked(body) if self._body_bytes is None else body
            self._reply.set_result(Reply(headers.lower(), body, total_s, self._first_event_s))

    def _read_headers(self) -> bool:
        self._headers_bytes = self._received.find(END_OF_HEAD) + len(END_OF_HEAD)
        if self._headers_bytes < len(END_OF_HEAD):
            self._headers_bytes = 0
            return False
        headers = bytes(self._received[: self._headers_bytes]).lower()
        _, _, length = headers.partition(b"\r\ncontent-length:")
        self._body_bytes = int(length.partition(b"\r\n")[0]) if length else None
        return True

    def _is_complete(self) -> bool:
        if self._body_bytes is not None:
            return len(self._received) - self._headers_bytes >= self._body_bytes
        # Chunked: no body of the bench contains these bytes, so the chunks need not be parsed here.
        return self._received.endswith(LAST_CHUNK)


def unchunked(raw: bytes) -> bytes:
    """Return a chunked body without its framing; extensions and trailers are not supported.

    Raises:
        ValueError: the body is not chunked correctly.
    """
    parts: list[bytes] = []
    at = 0
    while True:
        line_end = raw.index(b"\r\n", at)
        size_bytes = int(raw[at:line_end], 16)
        if size_bytes == 0:
            return b"".join(parts)
        begin = line_end + 2
        parts.append(raw[begin : begin + size_bytes])
        at = begin + size_bytes + 2
