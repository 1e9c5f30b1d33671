"""Watches a plain answer: the upstream sends a stream, and the gateway puts the plain answer together.

So the limits of a stream hold for its first token and for its pauses. Nothing is sent before the answer is
complete. A stream that is cut off is therefore a failed attempt, and the next model is asked.
"""

from collections.abc import Awaitable, Callable, Iterable
from dataclasses import replace

from gateway.dialects.answer_stream import AssembledStream
from gateway.dialects.dialect import StreamingDialect
from gateway.dialects.event_data import payload_in
from gateway.dialects.meter import TooMuchError
from gateway.dialects.model_request import ModelRequest
from gateway.dialects.plain_answer import Completion
from gateway.fallback.attempt_once import ServedAnswer, ServedStream, fault_of
from gateway.fallback.receipt import Receipt
from gateway.faults.fault import AttemptFailedError, Fault
from gateway.http.responses import Frame
from gateway.http.sse import data_of
from gateway.memory.ports import Ports
from gateway.routing.chain import Plan
from gateway.streaming.guard import Guard
from gateway.streaming.hold import clock_of, read_to_end
from gateway.streaming.relay import RelayedStream

_TOO_LARGE = Fault(code="answer_too_large")


def as_stream(request: ModelRequest) -> ModelRequest:
    """Return a request for a stream, which is the same otherwise."""
    fields = request.fields
    without = fields.without({"stream"}) if "stream" in fields.places else fields
    return replace(request, stream=True, fields=without.plus("stream", value=True))


def assemble_by(  # noqa: PLR0917  # all that a stream needs
    request: ModelRequest, dialect: StreamingDialect, plan: Plan, receipt: Receipt, frame: Frame, ports: Ports
) -> Callable[[ServedStream], Awaitable[ServedAnswer]]:
    """Return the function that makes a plain answer of a committed stream."""

    async def assemble(served: ServedStream) -> ServedAnswer:
        relayed = RelayedStream(
            dialect=dialect,
            request=request,
            served=served,
            receipt=receipt,
            frame=frame,
            idle_s=plan.limits.idle_s,
            now_s=ports.now_s,
            call_later=ports.call_later,
            resume=None,
            guard_events=None,
            collect_text=False,
            shown_model=plan.shown_model,
            reasoning_only=plan.answer_test.reasoning_only,
            list_errors=False,
            on_bug=ports.log_bug,
            on_end=lambda _: None,
        )
        stream = dialect.assembled(
            relayed.context_of(served),
            max_bytes=plan.limits.max_answer_bytes,
            mark=f"@long-{ports.new_id()}-",
        )
        guard = _AssemblyGuard(served, clock_of(receipt, ports), stream=stream, now_s=ports.now_s)
        await read_to_end(served, guard, relayed)
        if guard.fault is not None:
            raise AttemptFailedError(guard.fault)
        header = served.answer.reply.header
        try:
            raw = stream.to_bytes()
            answer = dialect.read_answer(raw, plan.answer_test, header=header, now_s=ports.now_s())
        except TooMuchError:
            raise AttemptFailedError(_TOO_LARGE) from None
        except AttemptFailedError as failure:
            withheld = failure.withheld
            if isinstance(withheld, Completion):
                withheld = ServedAnswer(attempt=served.attempt, answer=withheld, upstream=served.upstream)
            raise AttemptFailedError(fault_of(failure.fault, served.upstream), withheld=withheld) from None
        return ServedAnswer(attempt=served.attempt, answer=answer, upstream=served.upstream)

    return assemble


class _AssemblyGuard(Guard):
    """A guard of a stream that is put together, and passes nothing on."""

    def __init__(
        self,
        served: ServedStream,
        receipt: Receipt,
        *,
        stream: AssembledStream,
        now_s: Callable[[], float],
    ) -> None:
        super().__init__(served, receipt, stream=stream, now_s=now_s)
        self._assembled = stream

    def pass_on(self, events: Iterable[bytes]) -> bytes:
        """Check the events, and add each to the answer."""
        for event in events:
            if self.ended:
                break
            try:
                self._add(event)
            except TooMuchError:
                self._cut_off(_TOO_LARGE)
        return b""

    def _add(self, event: bytes) -> None:
        data = data_of(event) if self._frames.repeats(event) else None
        read = None if data is None else payload_in(data)
        if read is None:
            self._judge(event)
        else:  # the event that it repeats has passed the checks, and needed no change
            self.progressed = True
            self._assembled.add_repeated(read)
