"""Limits what all attempts of one request may cost together."""

from gateway.fallback.receipt import Receipt
from gateway.routing.chain import Candidate, Limits


class CostCeiling:
    """Checks whether another attempt is affordable; the receipt holds what was spent so far."""

    def __init__(self, limits: Limits, receipt: Receipt) -> None:
        self._limits = limits
        self._receipt = receipt

    def fits(self, candidate: Candidate) -> bool:
        """Return whether the request stays within its ceiling even if the attempt costs the most it may.

        A worst cost that is unknown counts as 0.
        """
        ceiling_usd = self._limits.max_cost_usd
        spent_usd, worst_usd = self._receipt.most_usd, candidate.worst_cost_usd or 0.0
        return ceiling_usd is None or (spent_usd < ceiling_usd and spent_usd + worst_usd <= ceiling_usd)

    def admits(self, candidate: Candidate) -> bool:
        """Return the same as ``fits``; record in the receipt a refusal, or that the cost is unknown."""
        if self._limits.max_cost_usd is None:
            return True
        if not self.fits(candidate):
            self._receipt.skip(candidate.model, self._limits.over_ceiling)
            return False
        if candidate.worst_cost_usd is None:
            note = f"The cost of {candidate.model} is unknown (price or length): no ceiling limits it."
            self._receipt.notes.append(note)
        return True
