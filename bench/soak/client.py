"""The soak's clients: some wait for their answer, others leave; loopback only."""

import asyncio
import socket
import struct

from bench.connection import Connection
from bench.load import KEY
from bench.soak.kinds import Kind, Leave
from scripts.dev.ports import LOOPBACK

REQUEST_TIMEOUT_S = 30.0
LINGER_NOT = struct.pack("ii", 1, 0)
"""SO_LINGER of 0 s: closing resets the connection."""
PIECE_BYTES = 65_536


def request_of(port: int, kind: Kind, number: int) -> bytes:
    """Return the bytes of a request."""
    body = kind.body(number)
    request_headers = [f"{kind.line} HTTP/1.1", f"host: {LOOPBACK}:{port}"]
    request_headers += [f"authorization: Bearer {KEY}"] if kind.key else []
    request_headers += ["content-type: application/json", f"content-length: {len(body)}"] if body else []
    return "\r\n".join(request_headers).encode() + b"\r\n\r\n" + body


class Client:
    """Sends requests one after the other. Those that wait share a connection; one that leaves has its own."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._connection: Connection | None = None

    async def send(self, kind: Kind, number: int) -> str:
        """Send one request; return what was wrong with its reply, empty if nothing was.

        Raises:
            OSError: the Worker cannot be reached.
        """
        request = request_of(self._port, kind, number)
        try:
            async with asyncio.timeout(REQUEST_TIMEOUT_S):
                return await (self._leave(request, kind.leave) if kind.leave else self._ask(request, kind))
        except TimeoutError:
            self.close()
            return f"not done after {REQUEST_TIMEOUT_S:.0f} s"

    def close(self) -> None:
        """Close the connection."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    async def _ask(self, request: bytes, kind: Kind) -> str:
        connection = await self._connected()
        try:
            reply = await connection.ask(request)
        except OSError as error:
            self.close()
            return f"the connection was lost: {type(error).__name__}: {error}"
        return kind.check(reply) if kind.check else ""

    async def _connected(self) -> Connection:
        if self._connection is None or not self._connection.is_open:
            loop = asyncio.get_running_loop()
            _, self._connection = await loop.create_connection(Connection, LOOPBACK, self._port)
        return self._connection

    async def _leave(self, request: bytes, leave: Leave) -> str:
        reader, writer = await asyncio.open_connection(LOOPBACK, self._port)
        try:
            writer.write(request[: len(request) - leave.unsent_bytes])
            return await _until(reader, leave)
        except OSError as error:
            return f"the connection was lost before its client left: {type(error).__name__}: {error}"
        finally:
            if leave.resets:
                peer: socket.socket = writer.get_extra_info("socket")
                peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, LINGER_NOT)
                writer.transport.abort()
            else:
                writer.close()


async def _until(reader: asyncio.StreamReader, leave: Leave) -> str:
    """Wait until it is time to leave; return empty, or how the answer ended before that."""
    arrived = b""
    while leave.at not in arrived:
        piece = await reader.read(PIECE_BYTES)
        if not piece:
            return f"the answer ended before its client left: {arrived[:300]!r}"
        arrived += piece
    await asyncio.sleep(leave.after_s)
    return ""
