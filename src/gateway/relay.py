"""A committed stream on its way to the client: ``Guard`` decides, here are the sink and the idle timer."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TypeAlias

from gateway.attempt_once import ServedStream
from gateway.attempts import Receipt
from gateway.body import Sink
from gateway.chunk_shape import ChunkShape
from gateway.guard import Guard
from gateway.idle import IdleTimer
from gateway.openrouter import CommittedStream
from gateway.policy import Fault
from gateway.ports import TransportError
from gateway.sse import EventTooLargeError
from gateway.wire import ClientGoneError, JsonObject

# Takes over from a stream that has broken off: returns the bytes that mark the seam, and what follows it;
# None where nothing does.
Resume: TypeAlias = Callable[[Guard], Awaitable[tuple[bytes, ServedStream] | None]]


# How long a connection may take to close after ``[DONE]``.
LINGER_S = 0.25


@dataclass(frozen=True, slots=True, kw_only=True)
class RelayedStream:
    """The response body of a committed stream, and of those that take over from it.

    Attributes:
        idle_s: how long a model may make no progress.
        resume: what happens when the stream breaks off; None ends it in an error event.
        guard_events: how many events are watched; None: all.
        collect_text: whether ``resume`` needs the text so far.
        openai_usage: whether the caller asked for OpenAI's usage chunk.
        on_end: called once, with what became of it.
    """

    served: ServedStream
    receipt: Receipt
    idle_s: float
    now_s: Callable[[], float]
    resume: Resume | None
    guard_events: int | None
    collect_text: bool
    openai_usage: bool
    on_end: Callable[[str], None]

    @property
    def hands_over(self) -> bool:
        """Whether only the beginning is watched."""
        return self.guard_events is not None

    async def run(self, sink: Sink) -> None:
        """Relay until the answer ends, breaks off for good, or the client leaves."""
        outcome = "client_gone"
        served = self.served
        try:
            while True:
                guard = self._guard_of(served)
                await self._relay(served.answer, guard, sink)
                if guard.fault is None:
                    outcome = "answered"
                    return
                following = await self.resume(guard) if self.resume else None
                if following is None:
                    await sink.write(guard.error_event())
                    outcome = guard.fault.code
                    return
                marker, served = following
                await sink.write(marker)
        except ClientGoneError:
            pass
        finally:
            served.answer.reply.abort()
            if outcome == "client_gone":
                served.attempt.outcome = "cancelled"
            self.on_end(outcome)

    def _guard_of(self, served: ServedStream) -> Guard:
        stream = served.answer
        fallback: JsonObject = {
            "id": stream.generation_id or f"gen-{self.receipt.request_id}",
            "created": int(self.now_s()),
            "model": served.attempt.model,
        }
        return Guard(
            served,
            self.receipt,
            shape=ChunkShape(stream.first, fallback, openai_usage=self.openai_usage),
            now_s=self.now_s,
            collect_text=self.collect_text,
        )

    async def _relay(self, stream: CommittedStream, guard: Guard, sink: Sink) -> None:
        """Pass on one stream until it ends; ``guard`` then says how."""
        timer = IdleTimer(self.idle_s, stream.reply.abort, lambda: sink.blocked)
        step = _GuardStep(stream, guard, timer, guard_events=self.guard_events)
        try:
            await sink.write(step.begin())
            if not guard.ended:
                await sink.relay(stream.reply, step)
            tail = b"" if guard.ended or step.hands_over else guard.finish(stream.decoder.rest)
        except TransportError:
            tail = guard.lose(Fault(code="idle_timeout" if timer.fired else "connection_lost"))
        finally:
            timer.stop()
            step.stop()
        if tail:
            await sink.write(tail)


class _GuardStep:
    """Takes the pieces of a stream through its guard; see ``body.Step``."""

    def __init__(
        self, stream: CommittedStream, guard: Guard, timer: IdleTimer, *, guard_events: int | None
    ) -> None:
        self.hands_over = False
        self._stream = stream
        self._guard = guard
        self._timer = timer
        self._events_left = guard_events
        self._closing: asyncio.TimerHandle | None = None

    def begin(self) -> bytes:
        """Return the client's bytes for what had arrived up to the commit."""
        return self._pass_on(list(self._stream.events))

    @property
    def rest(self) -> bytes:
        """The beginning of the next event."""
        return self._stream.decoder.rest

    def take(self, piece: bytes) -> bytes:
        """Return the client's bytes for a piece; ends the upstream's call once nothing may follow."""
        try:
            events = self._stream.decoder.feed(piece)
        except EventTooLargeError:
            passed = self._guard.lose(Fault(code="malformed_event"))
        else:
            passed = self._pass_on(events)
        if self._guard.ended and self._closing is None:
            # A whole answer's connection closes by itself in a moment, and may then be used again.
            wait_s = 0.0 if self._guard.fault else LINGER_S
            self._closing = asyncio.get_running_loop().call_later(wait_s, self._stream.reply.abort)
        return passed

    def stop(self) -> None:
        """Leave the connection to whoever closes it."""
        if self._closing is not None:
            self._closing.cancel()

    def _pass_on(self, events: list[bytes]) -> bytes:
        self._guard.progressed = False
        passed = self._guard.pass_on(events)
        if self._guard.progressed:
            self._timer.touch()
        if self._events_left is not None:
            self._events_left -= len(events)
            if self._events_left <= 0 and not self._guard.ended:
                self.hands_over = True
                self._timer.stop()
        return passed
