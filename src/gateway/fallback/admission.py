"""Admission: whether the budgets that bind a request have room for its next attempt."""

from typing import Protocol

from gateway.faults.fault import Fault
from gateway.http.frozen import dataclass
from gateway.routing.chain import Candidate


@dataclass(frozen=True, slots=True)
class Admitted:
    """An attempt that may begin.

    Attributes:
        ceiling_usd: the most that the attempt may cost, in USD; None if that is unknown and nothing is held.
    """

    ceiling_usd: float | None


@dataclass(frozen=True, slots=True)
class Refused:
    """An attempt that may not begin.

    Attributes:
        reason: a skip reason: ``over_budget`` or ``budget_in_flight``.
        fault: the fault if no other attempt may begin either; None: that of the reason alone.
    """

    reason: str
    fault: Fault | None = None


class Admission(Protocol):
    """Admits the attempts of one request, one by one."""

    def admit(self, candidate: Candidate, *, held_usd: float, most_usd: float) -> Admitted | Refused:
        """Hold money for an attempt, if there is enough left now. Does not wait.

        Args:
            candidate: the model that is called next.
            held_usd: what the request's attempts so far have cost, or hold.
            most_usd: what they have cost, or may have cost at most.
        """

    async def reserve(self) -> Refused | None:
        """Hold the money outside this isolate too, where it is counted; return why not, if it is refused.

        Raises:
            GatewayError: it cannot be held there, and the settings demand it.
        """


class NoBudget:
    """The admission of a request that no budget binds: every attempt may begin."""

    def admit(self, candidate: Candidate, *, held_usd: float, most_usd: float) -> Admitted | Refused:
        """Admit the attempt."""
        return Admitted(candidate.worst_cost_usd)

    async def reserve(self) -> None:
        """Reserve nothing."""
