"""Sends comments that keep a connection alive while a chain runs; ends the chain if the client leaves."""

import asyncio
from contextlib import suppress

from gateway.fallback.attempt_once import Served, ServedStream
from gateway.fallback.execute import done_within
from gateway.http.body import Sink
from gateway.memory.ports import Ports
from gateway.memory.waiting import run_due_callbacks

KEEP_ALIVE = b": keep-alive\n\n"


async def comment_until_done(chain: "asyncio.Task[Served]", every_s: float, sink: Sink, ports: Ports) -> None:
    """Write a comment now, and one every ``every_s`` seconds, until the chain is done.

    Raises:
        ClientGoneError: the client has left; the chain still runs.
    """
    while not chain.done():
        await sink.write(KEEP_ALIVE)
        await done_within({chain}, every_s, ports)
    await run_due_callbacks()  # the chain may have ended during a write


async def abandon(chain: "asyncio.Task[Served]") -> None:
    """Cancel a chain whose client has left, and wait until it has ended; close a stream that just committed.

    A client that leaves may be reported twice: by a write that fails, and by the request's abort signal,
    which cancels this task. This function suppresses that cancellation, because the end of the chain must
    still be recorded in the ledger.
    """
    chain.cancel()
    while not chain.done():
        with suppress(asyncio.CancelledError):
            await asyncio.wait({chain})
    served = None if chain.cancelled() or chain.exception() else chain.result()
    if isinstance(served, ServedStream):
        served.attempt.outcome = "cancelled"
        served.answer.reply.abort()
