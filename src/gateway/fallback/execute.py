"""execute: walk the chain until a model commits.

The nesting, written once: total deadline ( fallback over models ( retry of one model ( attempt timeout
( send )))). Before a commit any failure may fall back; after it the answer belongs to that model.
``Schedule`` decides what comes next, ``attempt_once`` carries it out; here the two meet, in one lane, or in
two when the request hedges.
"""

import asyncio
from contextlib import suppress
from typing import TypeVar

from gateway.fallback.attempt import Attempt
from gateway.fallback.attempt_once import Ask, Served, ServedAnswer, ServedStream, attempt_once
from gateway.fallback.exhausted import chain_exhausted
from gateway.fallback.receipt import Receipt
from gateway.fallback.schedule import Schedule
from gateway.faults.fault import AttemptFailedError
from gateway.http.frozen import dataclass
from gateway.http.json_values import object_or_empty
from gateway.memory.isolate import Memory
from gateway.memory.ports import Ports
from gateway.routing.chain import Plan

Result = TypeVar("Result")


async def execute(plan: Plan, ask: Ask, receipt: Receipt, ports: Ports, memory: Memory) -> Served:
    """Return the first answer that the chain commits to; ``receipt`` tells what was tried, whatever happens.

    Raises:
        GatewayError: no model answered.
    """
    schedule = Schedule(plan, receipt, memory.cooldowns, now_s=ports.now_s, draw=ports.draw)
    walk = _Walk(schedule=schedule, plan=plan, ask=ask, receipt=receipt, ports=ports, memory=memory)
    hedge_s = plan.limits.hedge_s
    served = await walk.lane() if hedge_s is None else await walk.hedged(hedge_s)
    receipt.time_until(ports.now_s())
    if served is None:
        raise chain_exhausted(
            receipt, schedule.last_fault, list_all=plan.list_errors, wait_s=schedule.ready_in_s
        )
    receipt.serving = served.attempt
    if receipt.first_ms is None:
        receipt.first_ms = receipt.ms
    return served


@dataclass(frozen=True, slots=True, kw_only=True)
class _Walk:
    schedule: Schedule
    plan: Plan
    ask: Ask
    receipt: Receipt
    ports: Ports
    memory: Memory

    async def lane(self) -> Served | None:
        """Take one attempt after the other from the schedule; return the first answer, None at its end."""
        while (step := self.schedule.next()) is not None:
            if step.wait_s:
                await asyncio.sleep(step.wait_s)
            if not self.schedule.begins(step):
                continue
            candidate = step.candidate
            attempt = Attempt(
                model=candidate.model,
                number=step.number,
                upstream=candidate.upstream,
                worst_cost_usd=candidate.worst_cost_usd,
                price=candidate.price,
            )
            self.receipt.attempts.append(attempt)
            try:
                served = await attempt_once(attempt, step, self.ask, self.plan.limits, self.ports)
            except asyncio.CancelledError:
                self.schedule.cancelled(candidate)
                raise
            except AttemptFailedError as failure:
                attempt.fail(failure.fault)
                self._note_pace(attempt)
                self.schedule.failed(candidate, failure.fault)
                self.ports.log("attempt_failed", request_id=self.receipt.request_id, **attempt.to_json())
                continue
            try:
                self._note_pace(attempt)
                self.schedule.answered(candidate)
            except Exception:  # our own bug, and nobody gets the answer
                _discard(served)
                raise
            return served
        return None

    def _note_pace(self, attempt: Attempt) -> None:
        if attempt.fault is not None and not attempt.fault.is_slowness:
            return  # it says nothing of the model's speed
        self.memory.latencies.note(
            attempt.model,
            attempt.ms,
            stream=self.ask.stream,
            answered=attempt.outcome == "answered",
            now_s=self.ports.now_s(),
        )

    async def hedged(self, hedge_s: float) -> Served | None:
        """Run a second lane beside the first when that shows nothing in time; the first to commit wins."""
        first = asyncio.create_task(self.lane())
        lanes = {first}
        try:
            await done_within(lanes, hedge_s, self.ports)
            if not first.done() and self.schedule.ready:
                lanes.add(asyncio.create_task(self.lane()))
            while lanes:
                done, _ = await asyncio.wait(lanes, return_when=asyncio.FIRST_COMPLETED)
                for lane in done:
                    lanes.remove(lane)
                    if (served := lane.result()) is not None:
                        return served
            return None
        finally:
            await _release(lanes, self.ports)


async def done_within(tasks: "set[asyncio.Task[Result]]", seconds: float, ports: Ports) -> None:
    """Return when all tasks are done, or after so many seconds; none of them is ended by that."""
    with suppress(TimeoutError):
        async with ports.within(seconds):
            await asyncio.wait(tasks)


async def _release(lanes: "set[asyncio.Task[Served | None]]", ports: Ports) -> None:
    """End the lanes that lost; one that committed at the same moment lets go of what it holds."""
    for lane in lanes:
        lane.cancel()
    for outcome in await asyncio.gather(*lanes, return_exceptions=True):
        if isinstance(outcome, Exception):  # our own bug, which spoils no answer of the other lane
            ports.log_bug(outcome)
        elif isinstance(outcome, (ServedAnswer, ServedStream)):
            _discard(outcome)


def _discard(served: Served) -> None:
    """Close what has committed and is not wanted."""
    served.attempt.outcome = "cancelled"
    if isinstance(served, ServedStream):
        served.answer.reply.abort()
    else:  # nobody gets it, but it says what it cost
        served.attempt.settle_usage(object_or_empty(served.answer.payload.get("usage")))
