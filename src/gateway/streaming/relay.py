"""Relays a committed stream to the client: connects the guard, the sink, the idle timer and the take-over."""

from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import TypeAlias

from gateway.dialects.answer_stream import AnswerStream, StreamContext, note_nothing
from gateway.dialects.dialect import StreamingDialect
from gateway.dialects.model_request import ModelRequest
from gateway.fallback.attempt_once import ServedStream
from gateway.fallback.receipt import Receipt
from gateway.faults.details import short_line
from gateway.faults.fault import Fault
from gateway.http.body import Sink
from gateway.http.errors import internal_error
from gateway.http.frozen import dataclass
from gateway.http.message import ClientGoneError, TransportError
from gateway.http.responses import Frame
from gateway.memory.ports import CallLater
from gateway.memory.signatures import Signatures
from gateway.streaming.guard import Guard
from gateway.streaming.guard_step import GuardStep
from gateway.streaming.idle_timer import IdleTimer
from gateway.upstream.commit import CommittedStream


@dataclass(frozen=True, slots=True, kw_only=True)
class TakeOver:
    """A model that takes over a stream that was cut off.

    Attributes:
        served: the model's stream.
        marker: the bytes that tell the client about the switch; empty if it is not told.
        so_far: the text that the model continues; None if it starts over.
    """

    served: ServedStream
    marker: bytes = b""
    so_far: str | None = None


# Called when a stream is cut off; returns None if no model takes over. Keep-alive comments are written to the
# sink meanwhile.
Resume: TypeAlias = Callable[[Guard, Sink], Awaitable[TakeOver | None]]


@dataclass(frozen=True, slots=True, kw_only=True)
class RelayedStream:
    """The response body for a committed stream and for the streams of models that take over from it.

    Attributes:
        dialect: the wire format of the stream.
        request: the request that is answered.
        served: the committed stream, and the attempt that produced it.
        receipt: the request's receipt.
        frame: gives errors the form that the caller's client expects.
        idle_s: the longest time without progress of the model, in seconds.
        now_s: returns Unix time in seconds.
        call_later: schedules the idle timer, and the end of the upstream call.
        resume: called when a stream is cut off; None: the answer then ends with an error event.
        guard_events: how many events of each stream are guarded; None: all.
        collect_text: whether ``resume`` needs the text so far.
        shown_model: the name that the answer must state as its model; None: that of the upstream.
        reasoning_only: whether the answer may hold reasoning and nothing else.
        list_errors: whether the error of a stream that is cut off lists the errors of all attempts.
        on_bug: called with an unexpected exception of the gateway itself.
        on_end: called once, with the outcome: ``answered``, ``client_gone`` or an error code.
        signatures: remembers which model made the signatures in the stream; None if it is not remembered.
    """

    dialect: StreamingDialect
    request: ModelRequest
    served: ServedStream
    receipt: Receipt
    frame: Frame
    idle_s: float
    now_s: Callable[[], float]
    call_later: CallLater
    resume: Resume | None
    guard_events: int | None
    collect_text: bool
    shown_model: str | None
    reasoning_only: bool
    list_errors: bool
    on_bug: Callable[[Exception], None]
    on_end: Callable[[str], None]
    signatures: Signatures | None = None

    @property
    def hands_over(self) -> bool:
        """Whether only the beginning of the answer is guarded."""
        return self.guard_events is not None

    async def run(self, sink: Sink) -> None:
        """Relay until the answer ends, it is cut off and no model takes over, or the client leaves."""
        outcome = "client_gone"
        served = self.served
        so_far: str | None = None
        guard: Guard | None = None
        try:
            while True:
                guard = self._guard_of(served, so_far, guard)
                is_open = await self.relay(served.answer, guard, sink)
                if guard.fault is None or not is_open:
                    outcome = guard.fault.code if guard.fault else "answered"
                    return
                served.answer.reply.abort()
                takeover = await self.resume(guard, sink) if self.resume else None
                if takeover is None:
                    await sink.write(guard.error_event(self.frame, list_all=self.list_errors))
                    outcome = guard.fault.code
                    return
                served, so_far = takeover.served, takeover.so_far
                await sink.write(takeover.marker)
        except ClientGoneError:
            pass
        except Exception as error:  # noqa: BLE001  # a bug in the gateway: end with an error event
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
        """Return the event that tells the client that the gateway failed and the answer is incomplete."""
        error = self.frame.error_json(internal_error(partial=True, gateway=self.receipt.to_json()))
        if guard is not None:
            return guard.stream.error_event(error)
        names = self.receipt.names_for(self.served.attempt, now_s=self.now_s())
        return self.dialect.error_event(error, names)

    def _guard_of(self, served: ServedStream, so_far: str | None, before: Guard | None) -> Guard:
        """Return the guard of a stream, which continues the text of the one before if that is given."""
        context = self.context_of(served)
        stream: AnswerStream
        if so_far is None or before is None:
            stream = self.dialect.stream(context)
        else:
            stream = self.dialect.continued(context, before.stream, so_far)
        return Guard(served, self.receipt, stream=stream, now_s=self.now_s)

    def context_of(self, served: ServedStream) -> StreamContext:
        """Return what the dialect needs to know of a stream; note in its attempt which provider serves it."""
        committed, attempt = served.answer, served.attempt
        attempt.provider = short_line(committed.first.get("provider"), served.upstream)
        signatures = self.signatures
        return StreamContext(
            request=self.request,
            first=committed.first,
            names=self.receipt.names_for(attempt, now_s=self.now_s()),
            header=committed.reply.header,
            now_s=self.now_s,
            settle=lambda usage: attempt.settle_usage(usage, self.dialect.tokens_of(usage)),
            collect_text=self.collect_text,
            note_signature=(lambda digest: signatures.note(digest, attempt.model))
            if signatures is not None
            else note_nothing,
            model=attempt.model,
            shown_model=self.shown_model,
            reasoning_only=self.reasoning_only,
            note=self.receipt.note,
        )

    async def relay(self, stream: CommittedStream, guard: Guard, sink: Sink) -> bool:
        """Relay one stream until it ends; ``guard.fault`` is set if it was cut off.

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
        except Exception as error:  # noqa: BLE001  # a bug in the gateway: it counts as a fault of this stream
            self.on_bug(error)
            tail = guard.lose(Fault(code="gateway_fault"))
        finally:
            timer.stop()
            step.stop()
        if tail and not step.hands_over:
            await sink.write(tail)
        return not step.hands_over
