"""Comments that keep a connection alive while a chain is walked, and the end of one whose client has left."""

import asyncio
from contextlib import suppress

from gateway.fallback.attempt_once import Served, ServedStream
from gateway.fallback.execute import done_within
from gateway.http.body import Sink
from gateway.memory.ports import Ports

KEEP_ALIVE = b": keep-alive\n\n"


async def comment_until_done(chain: "asyncio.Task[Served]", every_s: float, sink: Sink, ports: Ports) -> None:
    """Write a comment now, and one every so often, until the chain is done.

    Raises:
        ClientGoneError: the client has left; the chain goes on.
    """
    while not chain.done():
        await sink.write(KEEP_ALIVE)
        await done_within({chain}, every_s, ports)


async def abandon(chain: "asyncio.Task[Served]") -> None:
    """End a chain whose client has left, and return when it has; a stream that had just committed is closed.

    That a client has left may be told twice, by a write that fails and by the request's signal: whatever is
    cancelled meanwhile, how the chain ends is still to be booked.
    """
    chain.cancel()
    while not chain.done():
        with suppress(asyncio.CancelledError):
            await asyncio.wait({chain})
    late = None if chain.cancelled() or chain.exception() else chain.result()
    if isinstance(late, ServedStream):
        late.attempt.outcome = "cancelled"
        late.answer.reply.abort()
