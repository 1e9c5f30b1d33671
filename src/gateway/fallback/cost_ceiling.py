"""Limits what all attempts of one request may cost together: the request's own ceiling, and its budgets."""

from dataclasses import replace

from gateway.fallback.admission import Admission, Refused
from gateway.fallback.receipt import Receipt
from gateway.faults.fault import Fault
from gateway.routing.chain import Candidate, Limits
from gateway.routing.eligibility import fault_of_empty_chain

OVER_CEILING = "over_max_cost"


class CostCeiling:
    """Checks whether another attempt is affordable; the receipt holds what was spent so far."""

    def __init__(self, limits: Limits, receipt: Receipt, admission: Admission) -> None:
        self._reasons: list[str] = []
        self._faults: dict[str, Fault] = {}
        self._limits = limits
        self._receipt = receipt
        self._admission = admission

    @property
    def fault(self) -> Fault:
        """The fault of a chain of which no attempt was affordable."""
        fault = fault_of_empty_chain(self._reasons or (OVER_CEILING,))
        return self._faults.get(fault.code, fault)

    def fits(self, candidate: Candidate, *, besides_usd: float = 0.0) -> bool:
        """Return whether the request stays within its own ceiling even if the attempt costs the most it may.

        A worst cost that is unknown counts as 0. ``besides_usd`` is what is spent before it, in addition.
        """
        ceiling_usd = self._limits.max_cost_usd
        spent_usd, worst_usd = self._receipt.most_usd + besides_usd, candidate.worst_cost_usd or 0.0
        return ceiling_usd is None or (spent_usd < ceiling_usd and spent_usd + worst_usd <= ceiling_usd)

    def check(self, candidate: Candidate) -> bool:
        """Return the same as ``fits``; record in the receipt a refusal, or that the cost is unknown."""
        if self._limits.max_cost_usd is None:
            return True
        if not self.fits(candidate):
            self._refuse(candidate, OVER_CEILING)
            return False
        if candidate.worst_cost_usd is None:
            note = f"The cost of {candidate.model} is unknown (price or length): no ceiling limits it."
            self._receipt.notes.append(note)
        return True

    def admit(self, candidate: Candidate) -> Candidate | None:
        """Return the candidate with the most that its attempt may cost, once its budgets hold that.

        None if it does not fit the ceiling or a budget; the receipt then says why.
        """
        if not self.fits(candidate):
            self._refuse(candidate, OVER_CEILING)
            return None
        held_usd, most_usd = self._receipt.held_usd, self._receipt.most_usd
        outcome = self._admission.admit(candidate, held_usd=held_usd, most_usd=most_usd)
        if isinstance(outcome, Refused):
            self.note_refusal(candidate, outcome)
            return None
        if outcome.ceiling_usd == candidate.worst_cost_usd:
            return candidate
        return replace(candidate, worst_cost_usd=outcome.ceiling_usd)

    def note_refusal(self, candidate: Candidate, refused: Refused) -> None:
        """Record in the receipt that a budget has no room for an attempt."""
        if refused.fault is not None:
            self._faults[refused.fault.code] = refused.fault
        self._refuse(candidate, refused.reason)

    def _refuse(self, candidate: Candidate, reason: str) -> None:
        self._reasons.append(reason)
        self._receipt.skip(candidate.model, reason)
