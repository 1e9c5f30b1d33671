"""Makes one attempt: sends the request and reads the reply up to the commit point, within a time limit.

Every failure becomes a fault.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import TYPE_CHECKING, TypeAlias

from gateway.dialects.answer_test import AnswerTest
from gateway.dialects.dialect import Dialect
from gateway.dialects.model_request import ModelRequest
from gateway.dialects.plain_answer import Completion
from gateway.fallback.admission import Admission
from gateway.fallback.attempt import Attempt, elapsed_ms
from gateway.fallback.schedule import MIN_ATTEMPT_S
from gateway.fallback.time_limit import CODES
from gateway.faults.details import reported_without_key, without_key
from gateway.faults.fault import AttemptFailedError, Fault, fault_of_own_key
from gateway.http.frozen import dataclass
from gateway.http.message import OPENROUTER, Reply, TransportError, Upstream, UpstreamRequest
from gateway.memory.ports import Ports
from gateway.routing.chain import Candidate, Limits, Step
from gateway.upstream.commit import CommittedStream, as_generation_id, commit, generation_id_in
from gateway.upstream.direct import fault_at_direct

if TYPE_CHECKING:  # few answers are bytes
    from gateway.upstream.commit_bytes import CommittedBytes


@dataclass(frozen=True, slots=True, kw_only=True)
class ServedAnswer:
    """A plain answer, the attempt that produced it, and the upstream that was called."""

    attempt: Attempt
    answer: Completion
    upstream: Upstream


@dataclass(frozen=True, slots=True, kw_only=True)
class ServedStream:
    """A committed stream, the attempt that produced it, and the upstream that was called."""

    attempt: Attempt
    answer: CommittedStream
    upstream: Upstream


@dataclass(frozen=True, slots=True, kw_only=True)
class ServedBytes:
    """An answer of bytes that has begun, the attempt that produced it, and the upstream that was called."""

    attempt: Attempt
    answer: "CommittedBytes"
    upstream: Upstream


Served: TypeAlias = ServedAnswer | ServedStream | ServedBytes

# A connection that fails later than this had been established: the model may have worked, and be billed.
CONNECTS_WITHIN_S = 5.0

# Statuses that name the fault even if the body never arrives: the account is at fault.
TELLING: Mapping[int, str] = MappingProxyType({401: "upstream_key_rejected", 402: "insufficient_credits"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask:
    """What to send to each model, and what its answer must be.

    Attributes:
        dialect: the wire format of the request and of its answer.
        request: the request that is answered.
        request_for: builds the request for a candidate; takes the candidate and the prefill.
        stream: whether the answer is requested as a stream.
        test: the checks that a plain answer must pass.
        admission: holds the money of each attempt in the budgets that bind the request.
        complete: whether an answer of bytes must have arrived to its end before it is sent.
        prefill: the beginning of an answer that the model continues; None if there is none.
        assemble: for a watched answer: makes a plain answer of a stream, which ``request_for`` requests. It
            raises ``AttemptFailedError`` if the stream is cut off, or makes no usable answer.
    """

    dialect: Dialect
    request: ModelRequest
    request_for: Callable[[Candidate, str | None], UpstreamRequest]
    stream: bool
    test: AnswerTest
    admission: Admission
    complete: bool = False
    prefill: str | None = None
    assemble: Callable[[ServedStream], Awaitable[ServedAnswer]] | None = None

    @property
    def gets_stream(self) -> bool:
        """Whether the upstream is asked for a stream."""
        return self.stream or self.assemble is not None


async def attempt_once(
    attempt: Attempt, step: Step, ask: Ask, limits: Limits, ports: Ports, *, left_s: float
) -> Served:
    """Call one model and return the answer that it commits to; ``attempt`` is updated meanwhile.

    ``left_s`` is the time that is left of the deadline. A watched answer that makes progress may use it.

    Raises:
        AttemptFailedError: the model did not commit. Its reply is already closed.
    """
    started_at_s, limit = ports.now_s(), step.limit.name
    try:
        async with ports.within(max(step.limit.s, MIN_ATTEMPT_S)):
            served = await _send(attempt, step.candidate, ask, limits, ports)
        if ask.assemble is not None and isinstance(served, ServedStream):
            limit = "attempt"
            limit_s = left_s if limits.attempt_s is None else min(left_s, limits.attempt_s)
            async with ports.within(max(limit_s - (ports.now_s() - started_at_s), MIN_ATTEMPT_S)):
                served = await ask.assemble(served)
    except TimeoutError:
        raise AttemptFailedError(_fault_when_cut_off(attempt, CODES[limit])) from None
    except TransportError:
        was_connected = attempt.status or ports.now_s() - started_at_s > CONNECTS_WITHIN_S
        code = "connection_lost" if was_connected else "connection_failed"
        raise AttemptFailedError(_fault_when_cut_off(attempt, code)) from None
    except AttemptFailedError:
        raise
    except asyncio.CancelledError:  # another model was faster, or the client has left
        attempt.outcome = "cancelled"
        raise
    except Exception as error:  # a bug in the gateway ends this attempt, not the chain
        ports.log_bug(error)
        raise AttemptFailedError(Fault(code="gateway_fault")) from error
    finally:
        attempt.ms = elapsed_ms(started_at_s, ports.now_s())
    return served


async def _send(attempt: Attempt, candidate: Candidate, ask: Ask, limits: Limits, ports: Ports) -> Served:
    """Return what the model commits to."""
    request = ask.request_for(candidate, ask.prefill)
    attempt.own_key = request.upstream.is_callers
    attempt.watched = ask.assemble is not None
    reply = await ports.transport.send(request)
    is_openrouter = request.upstream.name == OPENROUTER
    try:
        attempt.status = reply.status
        attempt.generation_id = generation_id_in(reply) if is_openrouter else None
        committed = await _committed(reply, ask, limits, ports)
    except AttemptFailedError as failure:
        reply.abort()
        fault = fault_of(failure.fault, request.upstream)
        withheld = _served(failure.withheld, attempt, request.upstream)
        raise AttemptFailedError(fault, withheld=withheld) from None
    except BaseException:  # also on cancellation: the connection must not stay open
        reply.abort()
        raise
    attempt.outcome = "answered"
    if not isinstance(committed, (Completion, CommittedStream)):
        return ServedBytes(attempt=attempt, answer=committed, upstream=request.upstream)
    served = _served(committed, attempt, request.upstream)
    assert served is not None  # since an answer has committed
    return served


async def _committed(
    reply: Reply, ask: Ask, limits: Limits, ports: Ports
) -> "Completion | CommittedStream | CommittedBytes":
    if ask.request.wants_bytes:
        from gateway.upstream.commit_bytes import commit_bytes  # noqa: PLC0415  # few answers are bytes

        return await commit_bytes(
            reply,
            complete=ask.complete,
            shows_cuts=ports.shows_cuts,
            max_bytes=limits.max_answer_bytes,
            now_s=ports.now_s(),
        )
    return await commit(
        reply,
        ask.dialect,
        ask.test,
        stream=ask.gets_stream,
        watched=ask.assemble is not None,
        max_bytes=limits.max_answer_bytes,
        now_s=ports.now_s(),
    )


def _served(committed: object, attempt: Attempt, upstream: Upstream) -> Served | None:
    """Return an answer with its attempt; None if there is no answer."""
    if isinstance(committed, Completion):
        return ServedAnswer(attempt=attempt, answer=committed, upstream=upstream)
    if not isinstance(committed, CommittedStream):
        return None
    if upstream.name == OPENROUTER and attempt.generation_id is None:
        attempt.generation_id = as_generation_id(committed.first.get("id"))
    return ServedStream(attempt=attempt, answer=committed, upstream=upstream)


def fault_of(fault: Fault, upstream: Upstream) -> Fault:
    """Return a fault as it may be shown: it blames the upstream that was called, and repeats no key."""
    if fault.reported:
        fault = replace(fault, reported=reported_without_key(fault.reported, upstream))
    if upstream.name != OPENROUTER:
        return fault_at_direct(fault)
    if upstream.is_callers:
        fault = fault_of_own_key(fault)
    return replace(fault, details=without_key(fault.details, upstream)) if fault.details else fault


def _fault_when_cut_off(attempt: Attempt, code: str) -> Fault:
    """Return the fault of a reply that was cut off: ``code``, unless the reply's status names another."""
    fault = Fault(code=TELLING.get(attempt.status or 0, code), status=attempt.status)
    if attempt.own_key:
        return fault_of_own_key(fault)
    return fault if attempt.upstream == OPENROUTER else fault_at_direct(fault)
