"""Decides which attempt comes next, by order, cooldowns, retries and the deadline. It never waits or sends.

A request does not wait while another model is ready: a model that is cooling down is skipped. The request
waits for it only if no other model is left and the cooldown ends before the deadline. With ``retry_first`` it
waits for the model that has just failed, and tries it again before the next one. In all it waits for
``max_wait_s`` at most.
"""

from collections.abc import Callable

from gateway.fallback.admission import Admission, NoBudget
from gateway.fallback.asked_otherwise import asked_otherwise
from gateway.fallback.cooling_down import CoolingDown
from gateway.fallback.cost_ceiling import CostCeiling
from gateway.fallback.receipt import Receipt
from gateway.fallback.retry_wait import wait_before_retry_s
from gateway.fallback.signed_parts import GivenParts
from gateway.fallback.time_limit import time_limit
from gateway.faults.fault import Fault, jitter_s, pause_s
from gateway.faults.policy import Scope, Verdict
from gateway.memory.cooldowns import Cooldowns
from gateway.memory.ports import CLOCK_GRAIN_S
from gateway.routing.chain import Candidate, Plan, Step

# No useful answer takes less time, so an attempt with less time left is not started. A shorter timer is not
# possible either: Pyodide's event loop refuses a timer that is already due when it is set.
MIN_ATTEMPT_S = 0.01


class Schedule:
    """The attempts that are still possible in the chain of one request."""

    def __init__(
        self,
        plan: Plan,
        receipt: Receipt,
        cooldowns: Cooldowns,
        *,
        now_s: Callable[[], float],
        draw: Callable[[], float],
        admission: Admission | None = None,
        has_prefill: bool = False,
    ) -> None:
        self._plan, self._limits = plan, plan.limits
        self._receipt = receipt
        self._has_prefill = has_prefill
        self._ceiling = CostCeiling(plan.limits, receipt, admission or NoBudget())
        self._given_parts = GivenParts(plan.signed, receipt)
        self._cooldowns = cooldowns
        self._now_s = now_s
        self._draw = draw
        self._ends_at_s = now_s() + plan.limits.deadline_s
        self._may_wait_s = plan.limits.max_wait_s  # in all
        self._is_too_early = False  # whether a model may answer later than the request may wait
        self._untried = list(plan.chain)
        self._retry: tuple[float, Candidate] | None = None  # the next attempt, if it is a retry, and when
        self._cooling_down = CoolingDown()
        called = [attempt.model for attempt in receipt.attempts]
        self._tries = {each.model: called.count(each.model) for each in plan.chain}
        self._stopped = not plan.chain
        self.stopped_by_bill = False  # whether the last fault ended the chain because it may be billed
        self._last_fault = None if plan.chain else plan.nothing_left

    @property
    def left_s(self) -> float:
        """The time left until the deadline, in seconds."""
        return self._ends_at_s - self._now_s()

    @property
    def ready(self) -> int:
        """How many models have not been tried yet and are not cooling down."""
        return self._ready_after(None)

    @property
    def ready_in_s(self) -> float | None:
        """In how many seconds the first model that is cooling down is ready; None if there is none."""
        return self._cooling_down.ready_in_s(self._now_s())

    @property
    def last_fault(self) -> Fault:
        """Why there is no answer: the last attempt's fault, or the reason why no attempt was made."""
        last = self._last_fault
        if last is None and not self._cooling_down:
            return self._ceiling.fault
        could_only_wait = self._is_too_early and not self._stopped
        if last is None or (could_only_wait and pause_s(last, now_s=self._now_s()) is None):
            return Fault(code="models_resting")  # the public word: those that may answer are cooling down
        return last

    def next(self) -> Step | None:
        """Return the next attempt and count it as a try of its model; None if there is none."""
        if self._stopped or self._attempts_exhausted():
            return None
        if self._retry is not None:
            (at_s, candidate), self._retry = self._retry, None
            return self._step(candidate, at_s)
        while self._untried:
            candidate = self._untried.pop(0)
            if not self._ceiling.check(candidate):
                continue
            if self._is_ready(candidate):
                return self._step(candidate, self._now_s())
            now_s = self._now_s()
            self._skip(candidate, self._cooldowns.ready_at_s(candidate.model, now_s=now_s), now_s=now_s)
        return self._first_ready()

    def begin(self, step: Step) -> Candidate | None:
        """Begin an attempt after its wait; return its model with the most that it may cost, or None.

        It may not begin if the model is cooling down again, if another request probes the model, or if the
        request's ceiling or a budget has too little left by now.
        """
        candidate, now_s = step.candidate, self._now_s()
        ready_at_s = self._cooldowns.ready_at_s(candidate.model, now_s=now_s)
        if step.wait_s and ready_at_s > now_s + CLOCK_GRAIN_S:
            self._tries[candidate.model] -= 1
            self._skip(candidate, ready_at_s, now_s=now_s)
            return None
        admitted = self._ceiling.admit(candidate)
        if admitted is not None:
            self._cooldowns.probe(candidate.model, now_s=max(now_s, ready_at_s))
        return admitted

    def answered(self, candidate: Candidate) -> None:
        """Note that the model has committed."""
        self._cooldowns.answered(candidate.model)

    def cancelled(self, candidate: Candidate) -> None:
        """Note that the attempt was cancelled; if it was a probe, another request may probe the model now."""
        self._cooldowns.release(candidate.model, now_s=self._now_s())

    def failed(self, candidate: Candidate, fault: Fault, *, may_be_billed: bool = False) -> None:
        """Note why an attempt failed, and decide whether to retry the model, go on, or stop the chain.

        ``may_be_billed``: whether the attempt has cost something, or may have.
        """
        now_s = self._now_s()
        self._cooldowns.note(candidate.model, fault, now_s=now_s)
        wait_s = pause_s(fault, now_s=now_s)
        if wait_s is not None:
            self._cooling_down.add(candidate, ready_at_s=now_s + wait_s)
        if self._stopped:  # the other lane stopped the chain, and its fault is the one to report
            return
        self._last_fault = fault
        if may_be_billed and self._limits.stops_if_billed:
            self._stopped = self.stopped_by_bill = True
            return
        other = asked_otherwise(
            candidate, fault, self._given_parts, has_prefill=self._has_prefill, stop_on=self._limits.stop_on
        )
        if other is not None and self._may_ask_again(candidate):
            self._retry = (now_s, other)
        else:
            self._decide(candidate, fault, wait_s)

    def _decide(self, candidate: Candidate, fault: Fault, wait_s: float | None) -> None:
        """Retry the model, go on with the next one, or stop the chain, by the fault's rule."""
        is_account = fault.rule.scope is Scope.ACCOUNT  # it affects all models of the upstream
        is_stop = fault.rule.verdict is Verdict.STOP
        if fault.code in self._limits.stop_on or (is_stop and not is_account):
            self._stopped = True
        elif is_account:
            if is_stop or not self._try_again(candidate, wait_s):
                self._drop_upstream(candidate.upstream)
        else:
            retry_wait_s = wait_before_retry_s(
                fault,
                cooldown_s=wait_s,
                retry_first=self._limits.retry_first,
                is_another_ready=lambda: bool(self.ready),
                jitter_s=lambda: jitter_s(self._tries[candidate.model], draw=self._draw()),
            )
            self._try_again(candidate, retry_wait_s)

    def _attempts_exhausted(self) -> bool:
        """Return whether ``max_attempts`` is reached; if so, record the untried models as skipped.

        The last attempt may still be in flight, and may answer.
        """
        if len(self._receipt.attempts) < self._limits.max_attempts:
            return False
        for candidate in self._untried:
            self._receipt.skip(candidate.model, "attempts_spent")
        return True

    def _drop_upstream(self, upstream: str) -> None:
        """Make no more calls to an upstream whose account is at fault; stop if there is no other upstream."""
        self._cooling_down.forget_upstream(upstream)
        dropped = [each for each in self._untried if each.upstream == upstream]
        self._untried = [each for each in self._untried if each.upstream != upstream]
        self._stopped = not self._untried and not self._cooling_down
        if not self._stopped:
            for candidate in dropped:
                self._receipt.skip(candidate.model, "account_at_fault", upstream=upstream)

    def _try_again(self, candidate: Candidate, wait_s: float | None) -> bool:
        """Schedule a retry of the model as the next attempt, if allowed and in time; return whether it is."""
        is_last = len(self._receipt.attempts) >= self._limits.max_attempts
        if is_last or wait_s is None or not self._may_retry(candidate) or not self._may_wait(wait_s):
            return False
        self._retry = (self._now_s() + wait_s, candidate)
        self._cooling_down.forget(candidate)
        return True

    def _may_ask_again(self, candidate: Candidate) -> bool:
        """Return whether a model may be asked once more at once, apart from its retries."""
        return (
            len(self._receipt.attempts) < self._limits.max_attempts
            and self._ceiling.fits(candidate)
            and self.left_s > MIN_ATTEMPT_S
        )

    def _may_retry(self, candidate: Candidate) -> bool:
        return self._tries[candidate.model] <= self._limits.retries and self._ceiling.fits(candidate)

    def _is_ready(self, candidate: Candidate) -> bool:
        now_s = self._now_s()
        return self._cooldowns.ready_at_s(candidate.model, now_s=now_s) <= now_s

    def _skip(self, candidate: Candidate, ready_at_s: float, *, now_s: float) -> None:
        """Skip a model that is cooling down. `resting` is the public word for that."""
        self._receipt.skip(candidate.model, "resting", wait_s=round(ready_at_s - now_s, 3))
        self._cooling_down.add(candidate, ready_at_s=ready_at_s)

    def _may_wait(self, wait_s: float) -> bool:
        """Return whether the request may wait this long, and has time for an attempt after it."""
        return wait_s <= self._may_wait_s and wait_s + MIN_ATTEMPT_S <= self.left_s

    def _first_ready(self) -> Step | None:
        """Return an attempt at the first model whose cooldown ends in time; None if there is none."""
        for entry in self._cooling_down.in_order:
            at_s, candidate = entry
            if not self._may_retry(candidate):
                continue
            if self._may_wait(at_s - self._now_s()):
                self._cooling_down.remove(entry)
                return self._step(candidate, at_s)
            self._is_too_early = True
        return None

    def _step(self, candidate: Candidate, at_s: float) -> Step | None:
        wait_s = max(0.0, at_s - self._now_s())
        left_s = self.left_s - wait_s
        if left_s < MIN_ATTEMPT_S:
            # There was a model to try, possibly after its cooldown, but the deadline comes first.
            self._last_fault = Fault(code="deadline_exceeded")
            self._stopped = True
            return None
        candidate = self._given_parts.to(candidate)
        self._tries[candidate.model] += 1
        self._receipt.skipped.pop(candidate.model, None)
        self._may_wait_s -= wait_s
        is_last = len(self._receipt.attempts) + 1 >= self._limits.max_attempts
        others = 0 if is_last else self._ready_after(candidate)
        limit = time_limit(self._plan, candidate, left_s=left_s, others=others)
        return Step(candidate=candidate, number=self._tries[candidate.model], wait_s=wait_s, limit=limit)

    def _ready_after(self, called: Candidate | None) -> int:
        """Return how many untried models are ready, and affordable if ``called`` costs the most."""
        if self._stopped:
            return 0
        besides_usd = (called and called.worst_cost_usd) or 0.0
        return sum(
            self._is_ready(each) and self._ceiling.fits(each, besides_usd=besides_usd)
            for each in self._untried
        )
