"""Watches a plain answer: the upstream sends a stream, and the gateway puts the plain answer together.

So the limits of a stream hold for its first token and for its pauses. Nothing is sent before the answer is
complete. A stream that is cut off is therefore a failed attempt, and the next model is asked.
"""

from collections.abc import Awaitable, Callable, Iterable
from dataclasses import replace

from gateway.dialects.chat.assemble import Assembly
from gateway.dialects.event_data import EventPayload, payload_in
from gateway.dialects.meter import TooMuchError
from gateway.dialects.model_request import ModelRequest
from gateway.dialects.read_event import ReadEvent
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
from gateway.upstream.commit import read_completion

_TOO_LARGE = Fault(code="answer_too_large")


def as_stream(chat: ModelRequest) -> ModelRequest:
    """Return a chat that requests a stream, and is the same otherwise."""
    fields = chat.fields.without({"stream"}) if "stream" in chat.fields.places else chat.fields
    return replace(chat, stream=True, fields=fields.plus("stream", value=True))


def assemble_by(
    plan: Plan, receipt: Receipt, frame: Frame, ports: Ports
) -> Callable[[ServedStream], Awaitable[ServedAnswer]]:
    """Return the function that makes a plain answer of a committed stream."""

    async def assemble(served: ServedStream) -> ServedAnswer:
        relayed = _relayed(served, plan, receipt, frame, ports)
        assembly = Assembly(plan.limits.max_answer_bytes, mark=f"@long-{ports.new_id()}-")
        guard = _AssemblyGuard(served, clock_of(receipt, ports), relayed, assembly)
        await read_to_end(served, guard, relayed)
        if guard.fault is not None:
            raise AttemptFailedError(guard.fault)
        try:
            raw = assembly.to_bytes()
            answer = read_completion(
                raw, plan.answer_test, header=served.answer.reply.header, now_s=ports.now_s()
            )
        except TooMuchError:
            raise AttemptFailedError(_TOO_LARGE) from None
        except AttemptFailedError as failure:
            raise AttemptFailedError(fault_of(failure.fault, served.upstream)) from None
        return ServedAnswer(attempt=served.attempt, answer=answer, upstream=served.upstream)

    return assemble


def _relayed(served: ServedStream, plan: Plan, receipt: Receipt, frame: Frame, ports: Ports) -> RelayedStream:
    return RelayedStream(
        served=served,
        receipt=receipt,
        frame=frame,
        idle_s=plan.limits.idle_s,
        now_s=ports.now_s,
        call_later=ports.call_later,
        resume=None,
        guard_events=None,
        collect_text=False,
        openai_usage=True,  # a chunk with nothing but the usage then has no choice that no model sent
        list_errors=False,
        on_bug=ports.log_bug,
        on_end=lambda _: None,
    )


class _AssemblyGuard(Guard):
    """A guard that puts the chunks of a stream together, and passes nothing on."""

    def __init__(
        self, served: ServedStream, receipt: Receipt, relayed: RelayedStream, assembly: Assembly
    ) -> None:
        shape = relayed.shape_of(served)
        super().__init__(served, receipt, shape=shape, now_s=relayed.now_s, collect_text=False)
        self._assembly = assembly

    def pass_on(self, events: Iterable[bytes]) -> bytes:
        """Check the events, and add each to the answer."""
        for event in events:
            if self.ended:
                break
            data = data_of(event) if self._frames.repeats(event) else None
            read = None if data is None else payload_in(data)
            if read is None:
                self._judge(event)
            else:  # the event that it repeats has passed the checks, and needed no change
                self.progressed = True
                self._add(read)
        return b""

    def _send(self, here: ReadEvent) -> bytes:
        self._add(here.read)
        return b""

    def _add(self, read: EventPayload) -> None:
        try:
            self._assembly.add(read)
        except TooMuchError:
            self._cut_off(_TOO_LARGE)
