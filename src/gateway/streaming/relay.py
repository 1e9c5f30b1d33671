"""A committed stream on its way to the client: ``Guard`` decides, here are the sink and the idle timer."""

from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import TypeAlias

from gateway.dialects.chat.chunk_shape import ChunkShape
from gateway.fallback.attempt_once import ServedStream
from gateway.fallback.receipt import Receipt
from gateway.faults.fault import Fault
from gateway.http.body import Sink
from gateway.http.errors import internal_error
from gateway.http.frozen import dataclass
from gateway.http.json_values import JsonObject, text_or_none
from gateway.http.message import ClientGoneError, TransportError
from gateway.http.responses import Frame
from gateway.memory.ports import CallLater
from gateway.streaming.guard import Guard, cut_off_event
from gateway.streaming.guard_step import GuardStep
from gateway.streaming.idle_timer import IdleTimer
from gateway.upstream.commit import CommittedStream

# Takes over from a stream that has broken off: returns the bytes that mark the seam, and what follows it;
# None where nothing does. To the sink goes what keeps the connection alive meanwhile.
Resume: TypeAlias = Callable[[Guard, Sink], Awaitable[tuple[bytes, ServedStream] | None]]


@dataclass(frozen=True, slots=True, kw_only=True)
class RelayedStream:
    """The response body of a committed stream, and of those that take over from it.

    Attributes:
        idle_s: how long a model may make no progress.
        resume: what happens when the stream breaks off; None ends it in an error event.
        guard_events: how many events are watched; None: all.
        collect_text: whether ``resume`` needs the text so far.
        openai_usage: whether the caller asked for OpenAI's usage chunk.
        list_errors: whether its error lists every attempt's.
        on_bug: told of a fault of the gateway's own.
        on_end: called once, with what became of it.
    """

    served: ServedStream
    receipt: Receipt
    frame: Frame
    idle_s: float
    now_s: Callable[[], float]
    call_later: CallLater
    resume: Resume | None
    guard_events: int | None
    collect_text: bool
    openai_usage: bool
    list_errors: bool
    on_bug: Callable[[Exception], None]
    on_end: Callable[[str], None]

    @property
    def hands_over(self) -> bool:
        """Whether only the beginning is watched."""
        return self.guard_events is not None

    async def run(self, sink: Sink) -> None:
        """Relay until the answer ends, breaks off for good, or the client leaves."""
        outcome = "client_gone"
        served = self.served
        guard: Guard | None = None
        try:
            while True:
                guard = self._guard_of(served)
                is_open = await self._relay(served.answer, guard, sink)
                if guard.fault is None or not is_open:
                    outcome = guard.fault.code if guard.fault else "answered"
                    return
                served.answer.reply.abort()
                following = await self.resume(guard, sink) if self.resume else None
                if following is None:
                    await sink.write(guard.error_event(self.frame, list_all=self.list_errors))
                    outcome = guard.fault.code
                    return
                marker, served = following
                await sink.write(marker)
        except ClientGoneError:
            pass
        except Exception as error:  # noqa: BLE001  # our own bug ends this answer, and says so
            self.on_bug(error)
            outcome = "internal_error"
            with suppress(ClientGoneError):
                await sink.write(self._bug_event(guard))
        finally:
            served.answer.reply.abort()
            if outcome != "answered" and served.attempt.fault is None:
                served.attempt.outcome = "cancelled"
            self.on_end(outcome)

    def _bug_event(self, guard: Guard | None) -> bytes:
        """Return the one event that tells the client that the gateway failed and the answer is not whole."""
        error = internal_error(partial=True, gateway=self.receipt.to_json())
        return cut_off_event(guard.envelope() if guard else {}, self.frame.error_json(error))

    def _guard_of(self, served: ServedStream) -> Guard:
        stream = served.answer
        served.attempt.provider = text_or_none(stream.first.get("provider"))
        fallback: JsonObject = {
            "id": served.attempt.generation_id or f"gen-{self.receipt.request_id}",
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

    async def _relay(self, stream: CommittedStream, guard: Guard, sink: Sink) -> bool:
        """Pass on one stream until it ends; ``guard`` then says how.

        Returns whether more can be written: after a hand-over the runtime has closed the response itself.
        """
        timer = IdleTimer(
            self.idle_s,
            stream.reply.abort,
            lambda: sink.blocked,
            call_later=self.call_later,
            now_s=self.now_s,
        )
        step = GuardStep(stream, guard, timer, guard_events=self.guard_events, call_later=self.call_later)
        try:
            await sink.write(step.begin())
            if not guard.ended:
                await sink.relay(stream.reply, step)
            tail = b"" if guard.ended or step.hands_over else guard.finish(stream.decoder.rest)
        except TransportError:
            tail = guard.lose(Fault(code="idle_timeout" if timer.fired else "connection_lost"))
        except ClientGoneError:
            raise
        except Exception as error:  # noqa: BLE001  # our own bug ends this answer, and says so
            self.on_bug(error)
            tail = guard.lose(Fault(code="gateway_fault"))
        finally:
            timer.stop()
            step.stop()
        if tail and not step.hands_over:
            await sink.write(tail)
        return not step.hands_over
