"""get: one call whose reply is read whole. What it means is the caller's matter."""

from gateway.http.message import Reply, Upstream, UpstreamRequest
from gateway.memory.ports import Ports


async def get(upstream: Upstream, path: str, ports: Ports) -> tuple[Reply, bytes]:
    """Return the upstream's reply to a GET, and its whole body. Cancelling closes the connection.

    Raises:
        TransportError: there was no reply, or it broke off.
    """
    request = UpstreamRequest(upstream=upstream, method="GET", path=path, headers=(), body=b"")
    return await send_and_read(request, ports)


async def send_and_read(request: UpstreamRequest, ports: Ports) -> tuple[Reply, bytes]:
    """Return the reply to any request, and its whole body. Cancelling closes the connection.

    Raises:
        TransportError: there was no reply, or it broke off.
    """
    reply = await ports.transport.send(request)
    try:
        return reply, await reply.read_all()
    except BaseException:
        reply.abort()
        raise
