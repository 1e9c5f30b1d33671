"""Which links of a chain may be asked: the caller's rights, the catalogue, the route, and the money."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from types import MappingProxyType

from gateway.chain import Candidate, Skipped
from gateway.chat import Caller, ChatRequest, Options
from gateway.fit import Misfit, Question, misfit
from gateway.keys import may_use
from gateway.knowledge import Knowledge
from gateway.links import Link
from gateway.wire import OPENROUTER, JsonObject

# Reasons that are no opinion of the catalogue's: however old it is, they hold.
MONEY = frozenset({"over_max_price", "over_max_cost", "over_budget", "price_unknown"})
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
class Judged:
    """Links as they were judged: those that fit, those that may all the same, and what is left out."""

    fit: list[Candidate] = field(default_factory=list)
    doubtful: list[Candidate] = field(default_factory=list)
    skipped: list[Skipped] = field(default_factory=list)


@dataclass(frozen=True, slots=True, kw_only=True)
class Judge:
    """Judges the links of one request.

    Attributes:
        named_first: the model that the caller named first; it is asked unless it certainly cannot work.
    """

    chat: ChatRequest
    options: Options
    caller: Caller
    known: Knowledge
    named_first: str | None

    def judge(self, links: Iterable[Link]) -> Judged:
        """Return the links sorted into what fits and what does not."""
        judged = Judged()
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

    def _against(self, link: Link) -> Misfit | None:
        candidate = link.candidate
        # Who brings an OpenRouter key of its own spends nobody else's.
        foreign = self.caller.own_key is not None and candidate.upstream != OPENROUTER
        if foreign or not may_use(self.caller.models, candidate.model, candidate.task):
            return Misfit(reason="not_allowed", certain=True)
        found = self._misfit(link) if self.known.catalog else None
        return found or self._too_dear(candidate)

    def _misfit(self, link: Link) -> Misfit | None:
        """Return what the catalogue says against a link."""
        route = link.route
        if link.listed is None:
            gone = route is not None and route.is_built_in and self.known.is_fresh
            return Misfit(reason="not_listed", certain=False) if gone else None
        question = Question(
            chat=self.chat,
            require=route.require if route else (),
            max_price=route.max_price if route else None,
            today=datetime.fromtimestamp(self.known.now_s, UTC).date().isoformat(),
        )
        found = misfit(link.listed, question)
        if found is None or self.known.is_fresh or found.reason in MONEY:
            return found
        return replace(found, certain=False)  # an old list does not say for sure what a model cannot do

    def _too_dear(self, candidate: Candidate) -> Misfit | None:
        """Return whether one attempt alone could go above the request's ceiling, or above its budget."""
        ceiling_usd, worst_usd = self.options.max_cost_usd, candidate.worst_cost_usd
        if worst_usd is None:
            unknown = ceiling_usd is not None and self.options.strict
            return Misfit(reason="price_unknown", certain=True) if unknown else None
        details: JsonObject = {"worst_cost_usd": round(worst_usd, 9)}
        if ceiling_usd is not None and worst_usd >= ceiling_usd:
            return Misfit(reason="over_max_cost", certain=True, details=details)
        left_usd = self.known.budget_left_usd
        if left_usd is not None and worst_usd > left_usd:
            return Misfit(reason="over_budget", certain=True, details=details)
        return None


def fault_of(reasons: Iterable[str]) -> str:
    """Return the code of the fault that a chain ends in of which nothing is left."""
    given = set(reasons)
    return next((code for reason, code in NOTHING_LEFT.items() if reason in given), "no_model_fits")
