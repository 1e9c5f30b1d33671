"""Sends one request to an upstream and reads the complete reply. The caller interprets it."""

from gateway.http.message import Reply, Upstream, UpstreamRequest
from gateway.memory.ports import Ports


async def get(upstream: Upstream, path: str, ports: Ports) -> tuple[Reply, bytes]:
    """Send a GET; return the reply and its complete body. Cancelling closes the connection.

    Raises:
        TransportError: there was no reply, or it was cut off.
    """
    request = UpstreamRequest(upstream=upstream, method="GET", path=path, headers=(), body=b"")
    return await send_and_read(request, ports)


async def send_and_read(request: UpstreamRequest, ports: Ports) -> tuple[Reply, bytes]:
    """Send a request; return the reply and its complete body. Cancelling closes the connection.

    Raises:
        TransportError: there was no reply, or it was cut off.
    """
    reply = await ports.transport.send(request)
    try:
        return reply, await reply.read_all()
    except BaseException:
        reply.abort()
        raise
