"""A committed stream on its way to the client: reads, writes, and holds the idle timer; ``Guard`` decides."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TypeAlias

from gateway.attempt_once import ServedStream
from gateway.attempts import Receipt
from gateway.guard import Guard
from gateway.idle import IdleTimer
from gateway.openrouter import CommittedStream
from gateway.policy import Fault
from gateway.ports import TransportError
from gateway.sse import EventTooLargeError
from gateway.wire import ClientGoneError, Write

# Takes over from a stream that has broken off: returns the bytes that mark the seam, and what follows it;
# None where nothing does.
Resume: TypeAlias = Callable[[Guard], Awaitable[tuple[bytes, ServedStream] | None]]


@dataclass(frozen=True, slots=True, kw_only=True)
class RelayedStream:
    """The response body of a committed stream, and of those that take over from it.

    Attributes:
        idle_s: how long a model may make no progress.
        resume: what happens when the stream breaks off; None ends it in an error event.
        collect_text: whether ``resume`` needs the text so far.
        on_end: called once, with what became of it.
    """

    served: ServedStream
    receipt: Receipt
    idle_s: float
    now_s: Callable[[], float]
    resume: Resume | None
    collect_text: bool
    on_end: Callable[[str], None]

    async def run(self, write: Write) -> None:
        """Relay until the answer ends, breaks off for good, or the client leaves."""
        outcome = "client_gone"
        served = self.served
        try:
            while True:
                guard = Guard(served, self.receipt, now_s=self.now_s, collect_text=self.collect_text)
                await self._relay(served.answer, guard, write)
                if guard.fault is None:
                    outcome = "answered"
                    return
                following = await self.resume(guard) if self.resume else None
                if following is None:
                    await write(guard.error_event())
                    outcome = guard.fault.code
                    return
                marker, served = following
                await write(marker)
        except ClientGoneError:
            pass
        finally:
            served.answer.reply.abort()
            if outcome == "client_gone":
                served.attempt.outcome = "cancelled"
            self.on_end(outcome)

    async def _relay(self, stream: CommittedStream, guard: Guard, write: Write) -> None:
        """Pass on one stream until the guard says that it has ended."""
        timer = IdleTimer(self.idle_s, stream.reply.abort)
        try:
            piece = guard.pass_on(stream.events)
            while True:
                if piece:
                    timer.pause()  # a client that reads slowly is not a model that has stopped
                    await write(piece)
                    timer.resume()
                if guard.ended:
                    return
                guard.progressed = False
                piece = await _next(stream, guard, timer)
                if guard.progressed:
                    timer.touch()
        finally:
            timer.stop()
            stream.reply.abort()


async def _next(stream: CommittedStream, guard: Guard, timer: IdleTimer) -> bytes:
    """Return the client's bytes for what comes next from the upstream."""
    try:
        piece = await stream.reply.read()
        if not piece:
            return guard.finish(stream.decoder.rest)
        return guard.pass_on(stream.decoder.feed(piece))
    except TransportError:
        return guard.lose(Fault(code="idle_timeout" if timer.fired else "connection_lost"))
    except EventTooLargeError:
        return guard.lose(Fault(code="malformed_event"))
