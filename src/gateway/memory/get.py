"""Sends one request to an upstream and reads the complete reply. The caller interprets it."""

from gateway.http.message import Reply, Upstream, UpstreamRequest
from gateway.memory.ports import Ports

# The largest reply to a small question, such as what one generation cost.
SMALL_BYTES = 1024 * 1024


async def get(
    upstream: Upstream, path: str, ports: Ports, *, limit_bytes: int = SMALL_BYTES
) -> tuple[Reply, bytes]:
    """Send a GET; return the reply and its complete body. Cancelling closes the connection.

    Raises:
        ReplyTooLargeError: the body has more than ``limit_bytes``.
        TransportError: there was no reply, or it was cut off.
    """
    request = UpstreamRequest(upstream=upstream, method="GET", path=path, headers=(), body=b"")
    reply = await ports.transport.send(request)
    try:
        return reply, await reply.read_all(limit_bytes)
    except BaseException:
        reply.abort()
        raise
