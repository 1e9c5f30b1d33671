"""The ceiling on what all attempts of one request may cost together."""

from gateway.fallback.receipt import Receipt
from gateway.routing.chain import Candidate, Limits


class CostCeiling:
    """Says whether another attempt fits; what was spent so far is read from the receipt."""

    def __init__(self, limits: Limits, receipt: Receipt) -> None:
        self._limits = limits
        self._receipt = receipt

    def fits(self, candidate: Candidate) -> bool:
        """Return whether an attempt keeps the request within its ceiling, whatever the attempt costs."""
        ceiling_usd = self._limits.max_cost_usd
        spent_usd, worst_usd = self._receipt.most_usd, candidate.worst_cost_usd or 0.0
        return ceiling_usd is None or (spent_usd < ceiling_usd and spent_usd + worst_usd <= ceiling_usd)

    def admits(self, candidate: Candidate) -> bool:
        """Return the same, and note it in the receipt where the answer is no, or where nothing is certain."""
        if self._limits.max_cost_usd is None:
            return True
        if not self.fits(candidate):
            self._receipt.skip(candidate.model, self._limits.over_ceiling)
            return False
        if candidate.worst_cost_usd is None:
            note = f"What {candidate.model} may cost is unknown (price or length): no ceiling binds it."
            self._receipt.notes.append(note)
        return True
