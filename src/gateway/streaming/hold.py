"""Holds a stream until its answer is complete. If it is cut off before, another model starts over.

Nothing of an answer is sent before, so any client gets one model's complete answer, or an error.
"""

from collections.abc import Callable, Iterable
from dataclasses import replace

from gateway.dialects.answer_stream import AnswerStream
from gateway.fallback.attempt_once import Ask, ServedStream
from gateway.fallback.execute import execute
from gateway.fallback.exhausted import chain_exhausted
from gateway.fallback.receipt import Receipt
from gateway.faults.fault import Fault
from gateway.faults.policy import Verdict
from gateway.http.body import Step
from gateway.http.errors import GatewayError
from gateway.http.message import Reply
from gateway.http.sse import SseDecoder, data_of
from gateway.memory.isolate import Memory
from gateway.memory.ports import Ports
from gateway.routing.chain import Candidate, Plan
from gateway.streaming.guard import Guard
from gateway.streaming.relay import RelayedStream
from gateway.streaming.resume import uncalled
from gateway.upstream.commit import CommittedStream, idle_bytes_of


async def execute_held(
    plan: Plan,
    ask: Ask,
    receipt: Receipt,
    ports: Ports,
    memory: Memory,
    *,
    relayed: Callable[[ServedStream], RelayedStream],
) -> ServedStream:
    """Return the first stream of the chain that arrives complete; all its events have then arrived.

    After a stream that is cut off, the remaining models get a new deadline, counted from the cut.

    Raises:
        GatewayError: no model answered completely.
    """
    chain, cut_off, by_bill = plan.chain, None, False
    while True:
        calls = len(receipt.attempts)
        try:
            served = await execute(replace(plan, chain=chain), ask, receipt, ports, memory)
        except GatewayError:
            if cut_off is None or len(receipt.attempts) > calls:
                raise
            break  # no other model could be called: report the cut
        assert isinstance(served, ServedStream)  # the Ask requests a stream
        complete, cut_off = await _read(
            served, receipt, ports, relayed(served), max_bytes=plan.limits.max_answer_bytes
        )
        receipt.time_until(ports.now_s())
        if cut_off is None:
            return complete
        receipt.serving = receipt.first_ms = None
        ports.log("attempt_failed", request_id=receipt.request_id, **served.attempt.to_log())
        by_bill = plan.limits.stops_if_billed and served.attempt.billed != "no"
        chain = () if by_bill else _remaining(plan, receipt, served.attempt.model, cut_off)
        if not chain:
            break
    raise chain_exhausted(receipt, cut_off, list_all=plan.list_errors, wait_s=None, by_bill=by_bill)


def _remaining(plan: Plan, receipt: Receipt, last: str, fault: Fault) -> tuple[Candidate, ...]:
    """Return the models that have not been called; if there are none, the last one, if it may be retried.

    None is left after a fault that ends the chain (``stop_on``).
    """
    if fault.code in plan.limits.stop_on:
        return ()
    calls = sum(attempt.model == last for attempt in receipt.attempts)
    may_retry = fault.rule.verdict is Verdict.RETRY and calls <= plan.limits.retries
    last_again = tuple(each for each in plan.chain if may_retry and each.model == last)
    return uncalled(plan, receipt) or last_again


async def _read(
    served: ServedStream, receipt: Receipt, ports: Ports, relayed: RelayedStream, *, max_bytes: int
) -> tuple[ServedStream, Fault | None]:
    """Read a stream to its end; return it with all its events, and why it was cut off, or None."""
    stream, dialect = served.answer, relayed.dialect
    read = dialect.stream(replace(relayed.context_of(served), collect_text=False))
    guard = HeldGuard(served, clock_of(receipt, ports), stream=read, now_s=ports.now_s, max_bytes=max_bytes)
    await read_to_end(served, guard, relayed)
    events = (*guard.events, dialect.end_event) if guard.fault is None else ()
    complete = CommittedStream(reply=stream.reply, first=stream.first, events=events, decoder=SseDecoder())
    return replace(served, answer=complete), guard.fault


def clock_of(receipt: Receipt, ports: Ports) -> Receipt:
    """Return a receipt that counts the time of one attempt: the request's receipt is not shown yet."""
    return Receipt(request_id=receipt.request_id, requested=(), started_at_s=ports.now_s())


async def read_to_end(served: ServedStream, guard: Guard, relayed: RelayedStream) -> None:
    """Pass a stream through a guard to its end, without a client; ``guard.fault`` says why it was cut off."""
    try:
        await relayed.relay(served.answer, guard, _NoClient())
    except BaseException:  # the client has left, or the time is over
        if guard.fault is None:
            served.attempt.outcome = "cancelled"
        raise
    finally:
        served.answer.reply.abort()


class HeldGuard(Guard):
    """A guard that keeps the events of a stream as they arrive, and passes nothing on."""

    def __init__(
        self,
        served: ServedStream,
        receipt: Receipt,
        *,
        stream: AnswerStream,
        now_s: Callable[[], float],
        max_bytes: int,
    ) -> None:
        super().__init__(served, receipt, stream=stream, now_s=now_s)
        self._max_bytes = max_bytes
        self.events: list[bytes] = []
        self._held_bytes = 0

    def pass_on(self, events: Iterable[bytes]) -> bytes:
        """Check the events, and keep them without comments. The last one may have the usage: it is kept."""
        for event in events:
            if self.ended:
                break
            super().pass_on([event])
            if self.fault is None and data_of(event):
                self._hold(event)
        return b""

    def _hold(self, event: bytes) -> None:
        self._held_bytes += idle_bytes_of(event)
        if self._held_bytes > self._max_bytes and not self.ended:
            self.lose(Fault(code="answer_too_large"))
        else:
            self.events.append(event)


class _NoClient:
    """A sink without a client: it reads a reply to its end; see ``http.body.Sink``."""

    blocked = False

    async def write(self, data: bytes) -> None:
        """Drop the bytes."""

    async def relay(self, reply: Reply, step: Step) -> None:
        """Pass each piece of the reply's body to the step."""
        while piece := await reply.read():
            step.take(piece)
