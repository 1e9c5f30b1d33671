"""Calls the models of a chain, one after the other, until one commits to an answer.

The layers, from the outside in: total deadline ( fallback over models ( retry of one model ( attempt timeout
( send )))). Before the commit, any failure may lead to the next model. After it, the answer belongs to the
model that committed.

``Schedule`` decides which attempt comes next, and ``attempt_once`` makes it. A lane is one sequence of such
attempts. A request has one lane, or two if it hedges.
"""

import asyncio
from contextlib import suppress
from dataclasses import field
from typing import TypeVar

from gateway.dialects.dialect import Dialect, streaming_of
from gateway.fallback.attempt import Attempt
from gateway.fallback.attempt_once import Ask, Served, ServedAnswer, ServedBytes, ServedStream, attempt_once
from gateway.fallback.exhausted import chain_exhausted
from gateway.fallback.receipt import Receipt
from gateway.fallback.schedule import Schedule
from gateway.fallback.time_limit import CODES, SET_BY_PEOPLE
from gateway.faults.fault import AttemptFailedError, Fault
from gateway.http.errors import GatewayError
from gateway.http.frozen import dataclass
from gateway.http.json_values import object_or_empty
from gateway.memory.isolate import Memory
from gateway.memory.ports import Ports
from gateway.memory.waiting import pause, run_due_callbacks, start_task
from gateway.routing.chain import Plan, Step, TimeLimit

Result = TypeVar("Result")


async def execute(plan: Plan, ask: Ask, receipt: Receipt, ports: Ports, memory: Memory) -> Served:
    """Return the first answer that a model of the chain commits to.

    ``receipt`` lists every attempt, also if no model answers.

    Raises:
        GatewayError: no model answered.
    """
    schedule = Schedule(
        plan,
        receipt,
        memory.cooldowns,
        now_s=ports.now_s,
        draw=ports.draw,
        admission=ask.admission,
        has_prefill=bool(ask.prefill) and streaming_of(ask.dialect).tells_to_go_on,
    )
    walk = _Walk(schedule=schedule, plan=plan, ask=ask, receipt=receipt, ports=ports, memory=memory)
    hedge_s = plan.limits.hedge_s
    served = await walk.lane() if hedge_s is None else await walk.hedged(hedge_s)
    receipt.time_until(ports.now_s())
    if served is None:
        last = schedule.last_fault
        served = next((each for fault, each in walk.withheld if fault is last), None)
        if served is None:
            raise chain_exhausted(
                receipt,
                last,
                list_all=plan.list_errors,
                wait_s=schedule.ready_in_s,
                by_bill=schedule.stopped_by_bill,
            )
        served.attempt.hand_over()
    receipt.serving = served.attempt
    if receipt.first_ms is None:
        receipt.first_ms = receipt.ms
    return served


@dataclass(frozen=True, slots=True, kw_only=True)
class _Walk:
    """One walk through the chain.

    Attributes:
        withheld: the answers that were filtered before they said anything, each with its fault.
    """

    schedule: Schedule
    plan: Plan
    ask: Ask
    receipt: Receipt
    ports: Ports
    memory: Memory
    withheld: list[tuple[Fault, Served]] = field(default_factory=list)

    async def lane(self) -> Served | None:
        """Make the schedule's attempts one after the other; return the first answer, or None if all fail."""
        while (step := self.schedule.next()) is not None:
            if step.wait_s:
                await pause(step.wait_s, self.ports)
            candidate = self.schedule.begin(step)
            if candidate is None:
                continue
            attempt = Attempt(
                model=candidate.model,
                number=step.number,
                upstream=candidate.upstream,
                worst_cost_usd=candidate.worst_cost_usd,
                held_cost_usd=candidate.held_cost_usd,
                price=candidate.price,
                signed_parts_removed=len(candidate.without),
                limits=self._limits_of(step),
            )
            self.receipt.attempts.append(attempt)
            if not await self._is_reserved(attempt, step):
                continue
            try:
                served = await attempt_once(
                    attempt, step, self.ask, self.plan.limits, self.ports, left_s=self.schedule.left_s
                )
            except asyncio.CancelledError:
                self.schedule.cancelled(step.candidate)
                raise
            except AttemptFailedError as failure:
                self._note_failure(attempt, step, failure)
                continue
            try:
                self._note_latency(attempt)
                self.schedule.answered(step.candidate)
            except Exception:  # a bug in the gateway: the answer will not be used
                _discard(served, self.ask.dialect)
                raise
            return served
        return None

    async def _is_reserved(self, attempt: Attempt, step: Step) -> bool:
        """Return whether the attempt's money is held outside this isolate too, where it is counted.

        An attempt that is not made leaves the receipt.
        """
        try:
            refused = await self.ask.admission.reserve()
        except asyncio.CancelledError:
            self._withdraw(attempt, step)
            raise
        except GatewayError as error:
            self._withdraw(attempt, step)
            self.receipt.time_until(self.ports.now_s())
            error.metadata["gateway"] = self.receipt.to_json()
            raise
        if refused is not None:
            self._withdraw(attempt, step)
            self.schedule.refused(step.candidate, refused)
        return refused is None

    def _withdraw(self, attempt: Attempt, step: Step) -> None:
        """Take back an attempt that was not made."""
        self.schedule.cancelled(step.candidate)
        attempts = self.receipt.attempts
        attempts[:] = [each for each in attempts if each is not attempt]

    def _note_failure(self, attempt: Attempt, step: Step, failure: AttemptFailedError) -> None:
        if attempt.outcome != "cut_off":  # the guard of a watched answer has recorded its fault
            attempt.fail(failure.fault)
        if isinstance(failure.withheld, (ServedAnswer, ServedStream)):
            self.withheld.append((failure.fault, failure.withheld))
        self._note_latency(attempt)
        self.schedule.failed(step.candidate, failure.fault, may_be_billed=attempt.billed != "no")
        self.ports.log("attempt_failed", request_id=self.receipt.request_id, **attempt.to_log())

    def _limits_of(self, step: Step) -> dict[str, TimeLimit]:
        """Return the time limits of an attempt, by the code of the fault that each leads to."""
        limits = self.plan.limits
        idle = TimeLimit(name="idle", s=limits.idle_s, because=limits.idle_because)
        return {CODES[each.name]: each for each in (step.limit, idle)}

    def _note_latency(self, attempt: Attempt) -> None:
        if attempt.fault is not None and not attempt.fault.is_slowness:
            return  # such a fault does not tell how fast the model is
        self.memory.latencies.note(
            attempt.model,
            attempt.ms,
            stream=self.ask.stream,
            answered=attempt.outcome == "answered",
            now_s=self.ports.now_s(),
            # A limit that somebody has set says nothing of what is usual.
            is_too_slow=attempt.ended_by is not None and attempt.ended_by.because not in SET_BY_PEOPLE,
        )

    def _shows_progress(self) -> bool:
        """Return whether the attempt in flight has committed to an answer, which is watched to its end."""
        return any(attempt.watched and attempt.outcome == "answered" for attempt in self.receipt.attempts)

    async def hedged(self, hedge_s: float) -> Served | None:
        """Start a second lane if the first does not commit within ``hedge_s``; the first to commit wins."""
        first = start_task(self.lane())
        lanes = {first}
        served: Served | None = None
        try:
            await done_within(lanes, hedge_s, self.ports)
            if not first.done() and self.schedule.ready and not self._shows_progress():
                lanes.add(start_task(self.lane()))
            while lanes:
                done, _ = await asyncio.wait(lanes, return_when=asyncio.FIRST_COMPLETED)
                for lane in done:
                    lanes.remove(lane)
                    if (served := lane.result()) is not None:
                        return served
            return None
        finally:
            try:
                await _release(lanes, self.ask.dialect, self.ports)
                await run_due_callbacks()  # lanes may have ended together
            except asyncio.CancelledError:  # the client has left meanwhile
                if served is not None:
                    _discard(served, self.ask.dialect)
                raise


async def done_within(tasks: "set[asyncio.Task[Result]]", seconds: float, ports: Ports) -> None:
    """Wait until all tasks are done, or for ``seconds``; a task that is not done goes on."""
    with suppress(TimeoutError):
        async with ports.within(seconds):
            await asyncio.wait(tasks)


async def _release(lanes: "set[asyncio.Task[Served | None]]", dialect: Dialect, ports: Ports) -> None:
    """Cancel the lanes that lost; discard the answer of one that committed at the same moment."""
    for lane in lanes:
        lane.cancel()
    for outcome in await asyncio.gather(*lanes, return_exceptions=True) if lanes else ():
        if isinstance(outcome, Exception):  # a bug in the gateway; the other lane's answer is not affected
            ports.log_bug(outcome)
        elif isinstance(outcome, (ServedAnswer, ServedStream, ServedBytes)):
            _discard(outcome, dialect)


def _discard(served: Served, dialect: Dialect) -> None:
    """Close an answer that a model committed to, but that is not used."""
    served.attempt.outcome = "cancelled"
    if isinstance(served, (ServedStream, ServedBytes)):
        served.answer.reply.abort()
    else:  # the answer is not used, but its cost counts
        usage = object_or_empty(served.answer.payload.get("usage"))
        served.attempt.settle_usage(usage, dialect.tokens_of(usage))
