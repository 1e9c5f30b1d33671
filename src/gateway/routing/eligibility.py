"""Decides which candidates may be called, by the caller's rights, prices, budgets and the catalogue."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import field, replace
from types import MappingProxyType

from gateway.catalog.prices import lowest_price
from gateway.dialects.model_request import ModelRequest
from gateway.faults.fault import Fault
from gateway.http.frozen import dataclass
from gateway.http.json_values import JsonObject
from gateway.http.message import OPENROUTER
from gateway.routing.candidates import CandidateInfo
from gateway.routing.capability import Ineligible, Question, check_capability
from gateway.routing.chain import Candidate, Skipped
from gateway.routing.signals import Signals
from gateway.settings.caller import Caller
from gateway.settings.keys import allows
from gateway.settings.options import Options
from gateway.settings.price import Price

# How soon a request in flight may have ended and released what it holds of a budget; nothing tells.
HELD_WAIT_S = 2.0
# The error code of a chain without candidates, by skip reason. The first entry that occurs counts.
NOTHING_LEFT: Mapping[str, str] = MappingProxyType(
    {
        "over_max_cost": "over_max_cost",
        "price_unknown": "over_max_cost",
        "budget_in_flight": "budget_in_flight",
        "over_budget": "budget_too_small",
        "over_max_price": "over_max_price",
        "not_allowed": "model_not_allowed",
    }
)


@dataclass(frozen=True, slots=True)
class SortedCandidates:
    """Candidates, sorted by eligibility.

    Attributes:
        eligible: the candidates that may be called.
        doubtful: candidates that are skipped for a reason that is not certain. They may still work.
        skipped: all skipped models with their reasons, including the doubtful ones.
    """

    eligible: list[Candidate] = field(default_factory=list)
    doubtful: list[Candidate] = field(default_factory=list)
    skipped: list[Skipped] = field(default_factory=list)


@dataclass(frozen=True, slots=True, kw_only=True)
class Eligibility:
    """Decides which candidates of one request are eligible.

    Attributes:
        request: the request.
        options: the options that apply to it.
        caller: the caller's key name, and what the key allows.
        signals: the signals that routing uses.
        named_first: the model that the caller named first; None if that is a task, or no model is named. It
            is skipped only for a certain reason.
        speaks: returns whether a direct upstream speaks the request's wire format.
    """

    request: ModelRequest
    options: Options
    caller: Caller
    signals: Signals
    named_first: str | None
    speaks: Callable[[str], bool]

    def sort(self, infos: Iterable[CandidateInfo]) -> SortedCandidates:
        """Return the candidates, sorted by eligibility."""
        result = SortedCandidates()
        for info in infos:
            candidate = info.candidate
            found = self._check(info)
            if found is None or (candidate.model == self.named_first and not found.certain):
                result.eligible.append(candidate)
                continue
            result.skipped.append(Skipped(model=candidate.model, reason=found.reason, details=found.details))
            if not found.certain:
                result.doubtful.append(candidate)
        return result

    def _check(self, info: CandidateInfo) -> Ineligible | None:
        """Return why a candidate is not eligible; None if it is."""
        candidate = info.candidate
        # A caller with its own OpenRouter key must not spend the operator's keys for other upstreams.
        is_operators_key = self.caller.own_key is not None and candidate.upstream != OPENROUTER
        if is_operators_key or not allows(self.caller, candidate.model, candidate.task):
            return Ineligible(reason="not_allowed", certain=True)
        if candidate.upstream != OPENROUTER and not self.speaks(candidate.upstream):
            return Ineligible(reason="format_unsupported", certain=True)
        if not self._may_use_extras(candidate.model):
            return Ineligible(reason="not_allowed", certain=True)
        # Money first: a reason from the catalogue may be uncertain, and must not hide an exceeded ceiling.
        return self._over_price(info) or self._too_expensive(candidate) or self._incapable(info)

    def _may_use_extras(self, model: str) -> bool:
        """Check what a model's name brings: a web search by its variant, or a preset."""
        allowed = self.caller.limits.plugins
        if allowed is None:
            return True
        return not (
            (model.endswith(":online") and "web" not in allowed) or ("@" in model and "preset" not in allowed)
        )

    def _over_price(self, info: CandidateInfo) -> Ineligible | None:
        """Check the model's token prices against the ceilings of its task route and of the request."""
        candidate, route = info.candidate, info.route
        ceilings = [each for each in (route and route.max_price, self.request.requirements.max_price) if each]
        if not ceilings:
            return None
        price = candidate.price or (lowest_price(info.listed) if info.listed else Price())
        for ceiling in ceilings:
            for kind in ("prompt", "completion"):
                usd, limit_usd = getattr(price, kind), getattr(ceiling, kind)
                if limit_usd is None:
                    continue
                if usd is not None and usd > limit_usd:
                    details: JsonObject = {"kind": kind, "usd_per_million_tokens": usd}
                    return Ineligible(reason="over_max_price", certain=True, details=details)
                # OpenRouter enforces the ceiling for its providers. A direct upstream does not.
                if usd is None and candidate.upstream != OPENROUTER:
                    return Ineligible(reason="price_unknown", certain=True)
        return None

    def _incapable(self, info: CandidateInfo) -> Ineligible | None:
        """Check by the catalogue whether the model can serve the request."""
        route = info.route
        if self.signals.catalog is None:
            return None
        if info.listed is None:
            is_reason = route is not None and route.is_built_in and self.signals.is_fresh
            return Ineligible(reason="not_listed", certain=False) if is_reason else None
        question = Question(
            request=self.request,
            require=route.require if route else (),
            now_s=self.signals.now_s,
        )
        found = check_capability(info.listed, question)
        # An old model list does not show with certainty what a model cannot do.
        return found if found is None or self.signals.is_fresh else replace(found, certain=False)

    def _too_expensive(self, candidate: Candidate) -> Ineligible | None:
        """Check whether one attempt alone exceeds the request's cost ceiling or the caller's budget.

        The ceiling is compared with the attempt's worst cost, the budget with what the attempt would hold.
        """
        ceiling_usd, worst_usd = self.options.max_cost_usd, candidate.worst_cost_usd
        left_usd = self.signals.budget_left_usd
        if worst_usd is None:
            limited = ceiling_usd is not None or left_usd is not None
            return (
                Ineligible(reason="price_unknown", certain=True) if limited and self.options.strict else None
            )
        details: JsonObject = {"worst_cost_usd": round(worst_usd, 9)}
        if ceiling_usd is not None and worst_usd > ceiling_usd:
            return Ineligible(reason="over_max_cost", certain=True, details=details)
        held_usd = worst_usd if candidate.held_cost_usd is None else candidate.held_cost_usd
        if left_usd is not None and held_usd > left_usd:
            unspent_usd = self.signals.budget_unspent_usd
            is_held = unspent_usd is not None and held_usd <= unspent_usd
            return Ineligible(
                reason="budget_in_flight" if is_held else "over_budget",
                certain=True,
                details={**details, "held_cost_usd": round(held_usd, 9)},
            )
        return None


def fault_of_empty_chain(reasons: Iterable[str]) -> Fault:
    """Return the fault of a chain without candidates, by the reasons why they were skipped."""
    given = set(reasons)
    code = next((code for reason, code in NOTHING_LEFT.items() if reason in given), "no_model_fits")
    return Fault(code=code, retry_after_s=HELD_WAIT_S if code == "budget_in_flight" else None)
