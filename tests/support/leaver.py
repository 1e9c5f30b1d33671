"""A client that leaves: it sends a request over a raw socket, reads a part, and resets the connection."""

import json
import socket
import struct
from types import TracebackType
from urllib.parse import urlsplit

from tests.support.chat import CHAT, Body
from tests.support.runtimes import Gateway

_RESET_ON_CLOSE = struct.pack("ii", 1, 0)


class Leaver:
    """A connection with one chat request in flight."""

    def __init__(self, gateway: Gateway, body: Body) -> None:
        parts = urlsplit(gateway.base_url)
        content = json.dumps(body).encode()
        request_headers = (
            f"POST {CHAT} HTTP/1.1\r\nHost: {parts.netloc}\r\nAuthorization: Bearer {gateway.key}\r\n"
            f"Content-Type: application/json\r\nContent-Length: {len(content)}\r\n\r\n"
        )
        self._socket = socket.create_connection((parts.hostname or "", parts.port or 80), timeout=20)
        self._socket.sendall(request_headers.encode() + content)

    def read_until(self, text: bytes) -> bytes:
        """Return the bytes that have arrived as soon as they contain ``text``."""
        arrived = b""
        while text not in arrived:
            piece = self._socket.recv(65_536)
            assert piece, f"the response ended after {arrived!r}"
            arrived += piece
        return arrived

    def leave(self) -> None:
        """Reset the connection: the client reads nothing more."""
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_ON_CLOSE)
        self._socket.close()

    def __enter__(self) -> "Leaver":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._socket.close()
