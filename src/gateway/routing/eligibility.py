"""Which links of a chain may be asked: the caller's rights, the catalogue, the route, and the money."""

from collections.abc import Iterable, Mapping
from dataclasses import field, replace
from types import MappingProxyType

from gateway.catalog.prices import lowest_price
from gateway.dialects.chat.request import ChatRequest
from gateway.http.frozen import dataclass
from gateway.http.json_values import JsonObject
from gateway.http.message import OPENROUTER
from gateway.routing.candidates import CandidateInfo
from gateway.routing.capability import Ineligible, Question, check_capability
from gateway.routing.chain import Candidate, Skipped
from gateway.routing.signals import Signals
from gateway.settings.caller import Caller
from gateway.settings.keys import may_use
from gateway.settings.options import Options
from gateway.settings.price import Price

# What a chain without links ends in, by a reason for which one was left out; the first that applies.
NOTHING_LEFT: Mapping[str, str] = MappingProxyType(
    {
        "over_max_cost": "over_max_cost",
        "price_unknown": "over_max_cost",
        "over_budget": "budget_too_small",
        "over_max_price": "over_max_price",
        "not_allowed": "model_not_allowed",
    }
)


@dataclass(frozen=True, slots=True)
class SortedCandidates:
    """Links as they were judged: those that fit, those that may all the same, and what is left out."""

    fit: list[Candidate] = field(default_factory=list)
    doubtful: list[Candidate] = field(default_factory=list)
    skipped: list[Skipped] = field(default_factory=list)


@dataclass(frozen=True, slots=True, kw_only=True)
class Eligibility:
    """Judges the links of one request.

    Attributes:
        named_first: the model that the caller named first; it is asked unless it certainly cannot work.
    """

    chat: ChatRequest
    options: Options
    caller: Caller
    signals: Signals
    named_first: str | None

    def judge(self, links: Iterable[CandidateInfo]) -> SortedCandidates:
        """Return the links sorted into what fits and what does not."""
        judged = SortedCandidates()
        for link in links:
            candidate = link.candidate
            against = self._against(link)
            if against is None or (candidate.model == self.named_first and not against.certain):
                judged.fit.append(candidate)
                continue
            judged.skipped.append(
                Skipped(model=candidate.model, reason=against.reason, details=against.details)
            )
            if not against.certain:
                judged.doubtful.append(candidate)
        return judged

    def _against(self, link: CandidateInfo) -> Ineligible | None:
        candidate = link.candidate
        # Who brings an OpenRouter key of its own spends nobody else's.
        foreign = self.caller.own_key is not None and candidate.upstream != OPENROUTER
        if foreign or not may_use(self.caller.models, candidate.model, candidate.task):
            return Ineligible(reason="not_allowed", certain=True)
        # Money first: an opinion of the catalogue's that is only a doubt must not stand before a ceiling.
        return self._over_price(link) or self._too_dear(candidate) or self._misfit(link)

    def _over_price(self, link: CandidateInfo) -> Ineligible | None:
        """Return whether a model charges more for a token than its route, or the request, allows."""
        candidate, route = link.candidate, link.route
        ceilings = [each for each in (route and route.max_price, self.chat.requirements.max_price) if each]
        if not ceilings:
            return None
        price = candidate.price or (lowest_price(link.listed) if link.listed else Price())
        for ceiling in ceilings:
            for kind in ("prompt", "completion"):
                usd, limit_usd = getattr(price, kind), getattr(ceiling, kind)
                if limit_usd is None:
                    continue
                if usd is not None and usd > limit_usd:
                    details: JsonObject = {"kind": kind, "usd_per_million_tokens": usd}
                    return Ineligible(reason="over_max_price", certain=True, details=details)
                # OpenRouter holds its providers to the ceiling; with a direct upstream nobody does.
                if usd is None and candidate.upstream != OPENROUTER:
                    return Ineligible(reason="price_unknown", certain=True)
        return None

    def _misfit(self, link: CandidateInfo) -> Ineligible | None:
        """Return what the catalogue says against a link."""
        route = link.route
        if self.signals.catalog is None:
            return None
        if link.listed is None:
            gone = route is not None and route.is_built_in and self.signals.is_fresh
            return Ineligible(reason="not_listed", certain=False) if gone else None
        question = Question(
            chat=self.chat,
            require=route.require if route else (),
            now_s=self.signals.now_s,
        )
        found = check_capability(link.listed, question)
        # An old list does not say for sure what a model cannot do.
        return found if found is None or self.signals.is_fresh else replace(found, certain=False)

    def _too_dear(self, candidate: Candidate) -> Ineligible | None:
        """Return whether one attempt alone could go above the request's ceiling, or above its budget."""
        ceiling_usd, worst_usd = self.options.max_cost_usd, candidate.worst_cost_usd
        left_usd = self.signals.budget_left_usd
        if worst_usd is None:
            is_bound = ceiling_usd is not None or left_usd is not None
            return (
                Ineligible(reason="price_unknown", certain=True) if is_bound and self.options.strict else None
            )
        details: JsonObject = {"worst_cost_usd": round(worst_usd, 9)}
        if ceiling_usd is not None and worst_usd > ceiling_usd:
            return Ineligible(reason="over_max_cost", certain=True, details=details)
        if left_usd is not None and worst_usd > left_usd:
            return Ineligible(reason="over_budget", certain=True, details=details)
        return None


def fault_of_empty_chain(reasons: Iterable[str]) -> str:
    """Return the code of the fault that a chain ends in of which nothing is left."""
    given = set(reasons)
    return next((code for reason, code in NOTHING_LEFT.items() if reason in given), "no_model_fits")
