"""The load's side of one connection: raw bytes out, raw bytes in, times taken where they happen.

A client library costs as much as a Worker that only passes on, and would be what is measured.
"""

import asyncio
from dataclasses import dataclass
from time import perf_counter
from typing import cast

END_OF_HEAD = b"\r\n\r\n"
LAST_CHUNK = b"\r\n0\r\n\r\n"


@dataclass(frozen=True, slots=True)
class Reply:
    """What came back, and when.

    Attributes:
        head: the status line and the headers, in lower case.
        body: as it was sent, with the framing of its chunks taken off.
        total_s: from the request's first byte to the reply's last.
        first_event_s: to the first event of a stream; None where there was none.
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
    """Sends one request after the other."""

    def __init__(self) -> None:
        self._transport: asyncio.Transport | None = None
        self._received = bytearray()
        self._began_s = 0.0
        self._first_event_s: float | None = None
        self._head_bytes = 0
        self._body_bytes: int | None = None
        self._reply: asyncio.Future[Reply] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the way out."""
        self._transport = cast(asyncio.Transport, transport)  # uvloop's is no subclass of it

    def connection_lost(self, error: Exception | None) -> None:
        """Fail what is under way."""
        if self._reply is not None and not self._reply.done():
            self._reply.set_exception(error or ConnectionResetError("closed before the reply was whole"))

    @property
    def is_open(self) -> bool:
        """Whether another request can be sent."""
        return self._transport is not None and not self._transport.is_closing()

    async def ask(self, request: bytes) -> Reply:
        """Return the reply to a request.

        Raises:
            OSError: the connection broke first.
        """
        assert self._transport is not None
        self._received = bytearray()
        self._head_bytes, self._body_bytes, self._first_event_s = 0, None, None
        self._reply = asyncio.get_running_loop().create_future()
        self._began_s = perf_counter()
        self._transport.write(request)
        return await self._reply

    def close(self) -> None:
        """Close it."""
        if self._transport is not None:
            self._transport.close()

    def data_received(self, data: bytes) -> None:
        """Note the first event, and end the reply with its last byte."""
        self._received += data
        if not self._head_bytes and not self._read_head():
            return
        if self._first_event_s is None and self._body_bytes is None:
            at = self._received.find(b"data:", self._head_bytes)
            self._first_event_s = perf_counter() - self._began_s if at >= 0 else None
        if self._is_whole() and self._reply is not None and not self._reply.done():
            total_s = perf_counter() - self._began_s
            head, body = bytes(self._received[: self._head_bytes]), bytes(self._received[self._head_bytes :])
            body = unchunked(body) if self._body_bytes is None else body
            self._reply.set_result(Reply(head.lower(), body, total_s, self._first_event_s))

    def _read_head(self) -> bool:
        self._head_bytes = self._received.find(END_OF_HEAD) + len(END_OF_HEAD)
        if self._head_bytes < len(END_OF_HEAD):
            self._head_bytes = 0
            return False
        head = bytes(self._received[: self._head_bytes]).lower()
        _, _, length = head.partition(b"\r\ncontent-length:")
        self._body_bytes = int(length.partition(b"\r\n")[0]) if length else None
        return True

    def _is_whole(self) -> bool:
        if self._body_bytes is not None:
            return len(self._received) - self._head_bytes >= self._body_bytes
        # Chunked. No body of the bench holds these bytes, so that they need not be counted through.
        return self._received.endswith(LAST_CHUNK)


def unchunked(raw: bytes) -> bytes:
    """Return a chunked body without its framing; no extensions, no trailers.

    Raises:
        ValueError: it is not one.
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
