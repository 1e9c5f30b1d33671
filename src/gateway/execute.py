"""execute: walk the chain until a model commits.

The nesting, written once: total deadline ( fallback over models ( retry of one model ( attempt timeout
( send )))). Before a commit any failure may fall back; after it the answer belongs to that model.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import count
from typing import TypeAlias

from gateway.attempts import Attempt, Receipt
from gateway.openrouter import CommittedStream, Completion, commit
from gateway.plan import Limits, Plan
from gateway.policy import AttemptFailedError, Fault, Scope, Verdict, retry_wait_s
from gateway.ports import Ports, TransportError
from gateway.spent import chain_spent
from gateway.wire import UpstreamRequest

# Nothing useful comes back in less; an attempt that has no more left is not started.
MIN_ATTEMPT_S = 0.01

Committed: TypeAlias = Completion | CommittedStream


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask:
    """What is asked of each model: how its request is made, and in which form the answer is wanted."""

    request_for: Callable[[str], UpstreamRequest]
    stream: bool
    list_errors: bool


async def execute(plan: Plan, ask: Ask, receipt: Receipt, ports: Ports) -> Committed:
    """Return the first answer that the chain commits to; ``receipt`` tells what was tried, whatever happens.

    Raises:
        GatewayError: no model answered.
    """
    walk = _Walk(ask=ask, limits=plan.limits, receipt=receipt, ports=ports)
    for models_left, candidate in zip(range(len(plan.chain), 0, -1), plan.chain, strict=True):
        committed = await walk.ask_model(candidate.model, models_left)
        if committed is not None:
            receipt.served = candidate.model
            return committed
        if walk.over:
            break
    receipt.time_until(ports.now_s())
    raise chain_spent(
        receipt,
        walk.faults,
        cut_short=walk.cut_short,
        list_all=ask.list_errors,
        wait_s=max(0.0, walk.ready_at_s - ports.now_s()) if walk.ready_at_s else None,
    )


@dataclass(slots=True, kw_only=True)
class _Walk:
    """The state of one walk along a chain.

    Attributes:
        faults: why each attempt failed, in order.
        ready_at_s: when the first of those that asked for a pause is ready; None when none did.
        cut_short: the deadline came before every model had been tried.
    """

    ask: Ask
    limits: Limits
    receipt: Receipt
    ports: Ports
    faults: list[Fault] = field(default_factory=list)
    ready_at_s: float | None = None
    cut_short: bool = False

    @property
    def over(self) -> bool:
        """Whether no further model may be tried: what stops one stops all, as what is the account's does."""
        rule = self.faults[-1].rule if self.faults else None
        return self.cut_short or (
            rule is not None and (rule.verdict is Verdict.STOP or rule.scope is Scope.ACCOUNT)
        )

    @property
    def _left_s(self) -> float:
        return self.receipt.started_at_s + self.limits.deadline_s - self.ports.now_s()

    async def ask_model(self, model: str, models_left: int) -> Committed | None:
        """Return what ``model`` commits to, after retries where they are worth it; None when it fails."""
        for number in count(1):
            if self._left_s < MIN_ATTEMPT_S:
                self.cut_short = True
                return None
            attempt = Attempt(model=model, number=number)
            self.receipt.attempts.append(attempt)
            try:
                return await self._timed(attempt, models_left)
            except AttemptFailedError as failure:
                self._note(attempt, failure.fault)
            if not await self._wait_to_retry(number, models_left):
                return None
        return None

    def _note(self, attempt: Attempt, fault: Fault) -> None:
        attempt.fail(fault)
        self.faults.append(fault)
        if fault.retry_after_s is not None:
            ready_at_s = self.ports.now_s() + fault.retry_after_s
            self.ready_at_s = min(self.ready_at_s or ready_at_s, ready_at_s)
        self.ports.log("attempt_failed", request_id=self.receipt.request_id, **attempt.to_json())

    async def _wait_to_retry(self, retry: int, models_left: int) -> bool:
        """Wait for the same model if that is worth it and fits; return whether it is to be tried again."""
        if retry > self.limits.retries:
            return False
        wait_s = retry_wait_s(
            self.faults[-1], retry=retry, last_model=models_left == 1, draw=self.ports.draw()
        )
        if wait_s is None or wait_s + MIN_ATTEMPT_S > self._left_s:
            return False
        await asyncio.sleep(wait_s)
        return True

    async def _timed(self, attempt: Attempt, models_left: int) -> Committed:
        """Run one attempt within its time, and turn everything that can go wrong in it into a fault."""
        budget_s, timeout_code = _budget(self.limits, self._left_s, models_left, stream=self.ask.stream)
        started_at_s = self.ports.now_s()
        try:
            async with asyncio.timeout(budget_s):
                return await self._send(attempt)
        except TimeoutError:
            raise AttemptFailedError(Fault(code=timeout_code)) from None
        except TransportError:
            code = "connection_lost" if attempt.status else "connection_failed"
            raise AttemptFailedError(Fault(code=code)) from None
        except AttemptFailedError:
            raise
        except Exception as error:  # our own bug ends this attempt, not the chain
            self.ports.log("gateway_fault", request_id=self.receipt.request_id, error=type(error).__name__)
            raise AttemptFailedError(Fault(code="gateway_fault")) from error
        finally:
            attempt.ms = round((self.ports.now_s() - started_at_s) * 1000)

    async def _send(self, attempt: Attempt) -> Committed:
        reply = await self.ports.transport.send(self.ask.request_for(attempt.model))
        try:
            attempt.status = reply.status
            committed = await commit(reply, stream=self.ask.stream, now_s=self.ports.now_s())
        except BaseException:  # a cancelled attempt, too, must not leave its connection open
            reply.abort()
            raise
        attempt.outcome = "answered"
        return committed


def _budget(limits: Limits, left_s: float, models_left: int, *, stream: bool) -> tuple[float, str]:
    """Return one attempt's time in seconds, and the code of the timer that ends it first.

    What is left of the deadline is shared by the models that are left, so that the last one still has time.
    """
    timers = [(left_s / models_left, "attempt_timeout")]
    if limits.attempt_s is not None:
        timers.append((min(limits.attempt_s, left_s), "attempt_timeout"))
    if stream:
        timers.append((limits.first_token_s, "first_token_timeout"))
    return min(timers)
