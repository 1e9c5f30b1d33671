"""One attempt: send, read up to the commit point, in its time; whatever goes wrong becomes a fault."""

import asyncio
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import TypeAlias

from gateway.dialects.chat.answer_checks import AnswerTest
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
    """A plain answer, and the attempt that brought it."""

    attempt: Attempt
    answer: Completion


@dataclass(frozen=True, slots=True, kw_only=True)
class ServedStream:
    """A committed stream, and the attempt that it belongs to."""

    attempt: Attempt
    answer: CommittedStream


Served: TypeAlias = ServedAnswer | ServedStream

# What breaks later than this had been connected: the model may have worked, and is then paid for.
CONNECTS_WITHIN_S = 5.0

# With these a reply need not say more: the account is at fault, whatever the body would have held.
TELLING: Mapping[int, str] = MappingProxyType({401: "upstream_key_rejected", 402: "insufficient_credits"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask:
    """What is asked of each model.

    Attributes:
        request_for: makes the request for a link, with the beginning of the answer where there is one.
        stream: whether the answer is wanted as a stream.
        test: what a plain answer must be.
        prefill: the beginning of an answer that the model shall go on from.
    """

    request_for: Callable[[Candidate, str | None], UpstreamRequest]
    stream: bool
    test: AnswerTest
    prefill: str | None = None


async def attempt_once(attempt: Attempt, step: Step, ask: Ask, limits: Limits, ports: Ports) -> Served:
    """Return what the model commits to; ``attempt`` is filled in as it goes.

    Raises:
        AttemptFailedError: it did not; nothing of the attempt is left open.
    """
    budget_s, timeout_code = _budget(limits, step.share_s, stream=ask.stream)
    started_at_s = ports.now_s()
    try:
        async with ports.within(budget_s):
            answer = await _send(attempt, step.candidate, ask, ports)
    except TimeoutError:
        raise _failed(attempt, _fault_of_broken(attempt, timeout_code)) from None
    except TransportError:
        is_made = attempt.status or ports.now_s() - started_at_s > CONNECTS_WITHIN_S
        code = "connection_lost" if is_made else "connection_failed"
        raise _failed(attempt, _fault_of_broken(attempt, code)) from None
    except AttemptFailedError as failure:
        raise _failed(attempt, failure.fault) from None
    except asyncio.CancelledError:  # another model was faster, or the client has left
        attempt.outcome = "cancelled"
        raise
    except Exception as error:  # our own bug ends this attempt, not the chain
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
    except BaseException:  # a cancelled attempt, too, must not leave its connection open
        reply.abort()
        raise
    attempt.outcome = "answered"
    if attempt.generation_id is None and isinstance(committed, CommittedStream):
        attempt.generation_id = as_generation_id(committed.first.get("id"))
    return committed


def _failed(attempt: Attempt, fault: Fault) -> AttemptFailedError:
    """Return the failure as it counts for the upstream that was asked."""
    return AttemptFailedError(fault if attempt.upstream == OPENROUTER else fault_at_direct(fault))


def _fault_of_broken(attempt: Attempt, code: str) -> Fault:
    """Return the fault of a reply that broke off: where its status said enough, what that said."""
    return Fault(code=TELLING.get(attempt.status or 0, code), status=attempt.status)


def _budget(limits: Limits, share_s: float, *, stream: bool) -> tuple[float, str]:
    """Return one attempt's time in seconds, and the code of the timer that ends it first."""
    timers = [(share_s, "attempt_timeout")]
    if limits.attempt_s is not None:
        timers.append((limits.attempt_s, "attempt_timeout"))
    if stream:
        timers.append((limits.first_token_s, "first_token_timeout"))
    budget_s, code = min(timers)
    return max(budget_s, MIN_ATTEMPT_S), code
