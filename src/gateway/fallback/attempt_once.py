"""Makes one attempt: sends the request and reads the reply up to the commit point, within a time limit.

Every failure becomes a fault.
"""

import asyncio
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import TypeAlias

from gateway.dialects.chat.answer_checks import AnswerTest
from gateway.fallback.admission import Admission
from gateway.fallback.attempt import Attempt, elapsed_ms
from gateway.fallback.schedule import MIN_ATTEMPT_S
from gateway.faults.fault import AttemptFailedError, Fault
from gateway.http.frozen import dataclass
from gateway.http.message import OPENROUTER, TransportError, UpstreamRequest
from gateway.memory.ports import Ports
from gateway.routing.chain import Candidate, Limits, Step
from gateway.upstream.commit import CommittedStream, Completion, as_generation_id, commit, generation_id_in
from gateway.upstream.direct import fault_at_direct


@dataclass(frozen=True, slots=True, kw_only=True)
class ServedAnswer:
    """A plain answer, and the attempt that produced it."""

    attempt: Attempt
    answer: Completion


@dataclass(frozen=True, slots=True, kw_only=True)
class ServedStream:
    """A committed stream, and the attempt that produced it."""

    attempt: Attempt
    answer: CommittedStream


Served: TypeAlias = ServedAnswer | ServedStream

# A connection that fails later than this had been established: the model may have worked, and be billed.
CONNECTS_WITHIN_S = 5.0

# Statuses that name the fault even if the body never arrives: the account is at fault.
TELLING: Mapping[int, str] = MappingProxyType({401: "upstream_key_rejected", 402: "insufficient_credits"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask:
    """What to send to each model, and what its answer must be.

    Attributes:
        request_for: builds the request for a candidate; takes the candidate and the prefill.
        stream: whether the answer is requested as a stream.
        test: the checks that a plain answer must pass.
        admission: holds the money of each attempt in the budgets that bind the request.
        prefill: the beginning of an answer that the model continues; None if there is none.
    """

    request_for: Callable[[Candidate, str | None], UpstreamRequest]
    stream: bool
    test: AnswerTest
    admission: Admission
    prefill: str | None = None


async def attempt_once(attempt: Attempt, step: Step, ask: Ask, limits: Limits, ports: Ports) -> Served:
    """Call one model and return the answer that it commits to; ``attempt`` is updated meanwhile.

    Raises:
        AttemptFailedError: the model did not commit. Its reply is already closed.
    """
    limit_s, timeout_code = _time_limit(limits, step.share_s, stream=ask.stream)
    started_at_s = ports.now_s()
    try:
        async with ports.within(limit_s):
            answer = await _send(attempt, step.candidate, ask, ports)
    except TimeoutError:
        raise _failed(attempt, _fault_when_cut_off(attempt, timeout_code)) from None
    except TransportError:
        was_connected = attempt.status or ports.now_s() - started_at_s > CONNECTS_WITHIN_S
        code = "connection_lost" if was_connected else "connection_failed"
        raise _failed(attempt, _fault_when_cut_off(attempt, code)) from None
    except AttemptFailedError as failure:
        raise _failed(attempt, failure.fault) from None
    except asyncio.CancelledError:  # another model was faster, or the client has left
        attempt.outcome = "cancelled"
        raise
    except Exception as error:  # a bug in the gateway ends this attempt, not the chain
        ports.log_bug(error)
        raise AttemptFailedError(Fault(code="gateway_fault")) from error
    finally:
        attempt.ms = elapsed_ms(started_at_s, ports.now_s())
    if isinstance(answer, CommittedStream):
        return ServedStream(attempt=attempt, answer=answer)
    return ServedAnswer(attempt=attempt, answer=answer)


async def _send(
    attempt: Attempt, candidate: Candidate, ask: Ask, ports: Ports
) -> Completion | CommittedStream:
    reply = await ports.transport.send(ask.request_for(candidate, ask.prefill))
    try:
        attempt.status = reply.status
        attempt.generation_id = generation_id_in(reply)
        committed = await commit(reply, ask.test, stream=ask.stream, now_s=ports.now_s())
    except BaseException:  # also on cancellation: the connection must not stay open
        reply.abort()
        raise
    attempt.outcome = "answered"
    if attempt.generation_id is None and isinstance(committed, CommittedStream):
        attempt.generation_id = as_generation_id(committed.first.get("id"))
    return committed


def _failed(attempt: Attempt, fault: Fault) -> AttemptFailedError:
    """Return the failure, with its fault translated if the upstream is a direct one."""
    return AttemptFailedError(fault if attempt.upstream == OPENROUTER else fault_at_direct(fault))


def _fault_when_cut_off(attempt: Attempt, code: str) -> Fault:
    """Return the fault of a reply that was cut off: ``code``, unless the reply's status names another."""
    return Fault(code=TELLING.get(attempt.status or 0, code), status=attempt.status)


def _time_limit(limits: Limits, share_s: float, *, stream: bool) -> tuple[float, str]:
    """Return an attempt's time limit in seconds, and the fault code of the timer that sets it."""
    timers = [(share_s, "attempt_timeout")]
    if limits.attempt_s is not None:
        timers.append((limits.attempt_s, "attempt_timeout"))
    if stream:
        timers.append((limits.first_token_s, "first_token_timeout"))
    limit_s, code = min(timers)
    return max(limit_s, MIN_ATTEMPT_S), code
