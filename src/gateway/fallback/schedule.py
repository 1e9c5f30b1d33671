"""Which attempt comes next: order, rests, retries and the deadline, decided without waiting or sending.

Never sleep while another model is ready: a model that asked for a pause is passed over, and waited for
only when nothing else is left and its time comes before the deadline.
"""

from collections.abc import Callable

from gateway.fallback.cost_ceiling import CostCeiling
from gateway.fallback.receipt import Receipt
from gateway.faults.fault import Fault, jitter_s, pause_s
from gateway.faults.policy import Scope, Verdict
from gateway.memory.cooldowns import Cooldowns
from gateway.memory.ports import CLOCK_GRAIN_S
from gateway.routing.chain import Candidate, Plan, Step
from gateway.routing.eligibility import fault_of_empty_chain

# Nothing useful comes back in less; an attempt that has no more left is not started. Pyodide's event loop
# refuses a timer whose time has come while it was being set, so shorter ones are not even possible.
MIN_ATTEMPT_S = 0.01
# A pause this short is worth more than another model, if the model itself named it.
SHORT_PAUSE_S = 1.0


class Schedule:
    """The rest of a chain, as it shrinks."""

    def __init__(
        self,
        plan: Plan,
        receipt: Receipt,
        rests: Cooldowns,
        *,
        now_s: Callable[[], float],
        draw: Callable[[], float],
    ) -> None:
        self._limits = plan.limits
        self._receipt = receipt
        self._ceiling = CostCeiling(plan.limits, receipt)
        self._rests = rests
        self._now_s = now_s
        self._draw = draw
        self._ends_at_s = now_s() + plan.limits.deadline_s
        self._untried = list(plan.chain)
        self._again: tuple[float, Candidate] | None = None  # the same model once more, and when
        self._sleeping: list[tuple[float, Candidate]] = []  # those that asked for a pause, and until when
        self._tries: dict[str, int] = dict.fromkeys((each.model for each in plan.chain), 0)
        self._stopped = not plan.chain
        self._last_fault = None if plan.chain else Fault(code=plan.nothing_left)

    @property
    def left_s(self) -> float:
        """What is left of the deadline, in seconds."""
        return self._ends_at_s - self._now_s()

    @property
    def ready(self) -> int:
        """How many models are left that have not been asked and do not rest."""
        return 0 if self._stopped else sum(self._is_ready(candidate) for candidate in self._untried)

    @property
    def ready_in_s(self) -> float | None:
        """When the first that asked for a pause is ready, in seconds from now; None when none did."""
        return min((max(0.0, at_s - self._now_s()) for at_s, _ in self._sleeping), default=None)

    @property
    def last_fault(self) -> Fault:
        """Why there is no answer: the last attempt's fault, or why none was made."""
        if self._last_fault is None:
            return Fault(
                code="models_resting"
                if self._sleeping
                else fault_of_empty_chain((self._limits.over_ceiling,))
            )
        return self._last_fault

    def next(self) -> Step | None:
        """Return the next attempt, which counts as begun; None when there is none."""
        if self._stopped or self._is_spent():
            return None
        if self._again is not None:
            (at_s, candidate), self._again = self._again, None
            return self._step(candidate, at_s)
        while self._untried:
            candidate = self._untried.pop(0)
            if not self._ceiling.admits(candidate):
                continue
            if self._is_ready(candidate):
                return self._step(candidate, self._now_s())
            ready_at_s = self._rests.ready_at_s(candidate.model, now_s=self._now_s())
            self._receipt.skip(candidate.model, "resting", wait_s=round(ready_at_s - self._now_s(), 3))
            self._sleeping.append((ready_at_s, candidate))
        return self._first_to_wake()

    def begins(self, step: Step) -> bool:
        """Begin an attempt whose wait is over; False where its model rests again, or is probed by another.

        Or where another lane has meanwhile begun what leaves too little of the ceiling for this one.
        """
        candidate, now_s = step.candidate, self._now_s()
        if not self._ceiling.fits(candidate):
            self._receipt.skip(candidate.model, self._limits.over_ceiling)
            return False
        ready_at_s = self._rests.ready_at_s(candidate.model, now_s=now_s)
        if step.wait_s and ready_at_s > now_s + CLOCK_GRAIN_S:
            self._tries[candidate.model] -= 1
            self._receipt.skip(candidate.model, "resting", wait_s=round(ready_at_s - now_s, 3))
            self._sleeping.append((ready_at_s, candidate))
            return False
        self._rests.probe(candidate.model, now_s=max(now_s, ready_at_s))
        return True

    def answered(self, candidate: Candidate) -> None:
        """Note that the model has committed."""
        self._rests.answered(candidate.model)

    def cancelled(self, candidate: Candidate) -> None:
        """Note that the attempt was cancelled: whether the model is awake is as open as before."""
        self._rests.release(candidate.model, now_s=self._now_s())

    def failed(self, candidate: Candidate, fault: Fault) -> None:
        """Note why an attempt failed, and decide what that means for the model and for the chain."""
        now_s = self._now_s()
        self._rests.note(candidate.model, fault, now_s=now_s)
        wait_s = pause_s(fault, now_s=now_s)
        if wait_s is not None:
            self._sleeping.append((now_s + wait_s, candidate))
        if self._stopped:  # by the other lane, whose fault says why
            return
        self._last_fault = fault
        is_account = fault.rule.scope is Scope.ACCOUNT  # the upstream's next model would meet the same
        if fault.rule.verdict is Verdict.STOP and not is_account:
            self._stopped = True
        elif is_account:
            waits = fault.rule.verdict is not Verdict.STOP and self._try_again(candidate, wait_s)
            if not waits:
                self._leave_upstream(candidate.upstream)
        elif wait_s is not None and wait_s <= SHORT_PAUSE_S:
            self._try_again(candidate, wait_s)
        elif wait_s is None and fault.rule.verdict is Verdict.RETRY and not self.ready:
            self._try_again(candidate, jitter_s(self._tries[candidate.model], draw=self._draw()))

    def _is_spent(self) -> bool:
        """Return whether there have been as many attempts as there may be; the last may yet answer."""
        if len(self._receipt.attempts) < self._limits.max_attempts:
            return False
        for candidate in self._untried:
            self._receipt.skip(candidate.model, "attempts_spent")
        return True

    def _leave_upstream(self, upstream: str) -> None:
        """Ask no more of an upstream whose account is at fault; go on with others, if there are any."""
        self._sleeping = [each for each in self._sleeping if each[1].upstream != upstream]
        left_out = [each for each in self._untried if each.upstream == upstream]
        self._untried = [each for each in self._untried if each.upstream != upstream]
        self._stopped = not self._untried and not self._sleeping
        if not self._stopped:
            for candidate in left_out:
                self._receipt.skip(candidate.model, "account_at_fault", upstream=upstream)

    def _try_again(self, candidate: Candidate, wait_s: float | None) -> bool:
        """Put the same model next, if it may be tried again and its wait fits; return whether it was."""
        is_last = len(self._receipt.attempts) >= self._limits.max_attempts
        if (
            is_last
            or wait_s is None
            or not self._may_retry(candidate)
            or wait_s + MIN_ATTEMPT_S > self.left_s
        ):
            return False
        self._again = (self._now_s() + wait_s, candidate)
        self._sleeping = [each for each in self._sleeping if each[1] is not candidate]
        return True

    def _may_retry(self, candidate: Candidate) -> bool:
        return self._tries[candidate.model] <= self._limits.retries and self._ceiling.fits(candidate)

    def _is_ready(self, candidate: Candidate) -> bool:
        now_s = self._now_s()
        return self._rests.ready_at_s(candidate.model, now_s=now_s) <= now_s

    def _first_to_wake(self) -> Step | None:
        """Return an attempt at the first resting model that wakes before the deadline."""
        for place in sorted(self._sleeping, key=lambda each: each[0]):
            at_s, candidate = place
            if self._may_retry(candidate) and at_s - self._now_s() + MIN_ATTEMPT_S <= self.left_s:
                self._sleeping.remove(place)
                return self._step(candidate, at_s)
        return None

    def _step(self, candidate: Candidate, at_s: float) -> Step | None:
        wait_s = max(0.0, at_s - self._now_s())
        left_s = self.left_s - wait_s
        if left_s < MIN_ATTEMPT_S:
            # The deadline left models untried, or it came while one rested that could have been tried.
            self._last_fault = Fault(code="deadline_exceeded")
            self._stopped = True
            return None
        self._tries[candidate.model] += 1
        self._receipt.skipped.pop(candidate.model, None)
        number = self._tries[candidate.model]
        # What is left is shared by the models that are left, so that the last one still has time.
        return Step(candidate=candidate, number=number, wait_s=wait_s, share_s=left_s / (1 + self.ready))
