"""Attempts as they are recorded: what was asked of a model, and how it ended."""

from dataclasses import field
from typing import Literal, TypeAlias

from gateway.faults.fault import Fault
from gateway.faults.policy import Billed
from gateway.http.frozen import dataclass
from gateway.http.json_values import JsonObject, number_or_none, object_or_empty
from gateway.http.message import OPENROUTER
from gateway.settings.price import Price

AttemptOutcome: TypeAlias = Literal["under_way", "answered", "failed", "cut_off", "cancelled"]
Resumption: TypeAlias = Literal["restart", "continue"]


def elapsed_ms(from_s: float, to_s: float) -> int:
    """Return the time between the two in whole ms; the 2024 runtime's clock may step back a little."""
    return max(0, round((to_s - from_s) * 1000))


@dataclass(frozen=True, slots=True, kw_only=True)
class Tokens:
    """What an answer's usage says, by kind; reasoning and cached tokens are parts of the other two."""

    prompt: int = 0
    completion: int = 0
    reasoning: int = 0
    cached: int = 0

    @classmethod
    def of(cls, usage: JsonObject) -> "Tokens":
        """Return the tokens that a usage object counts."""
        return cls(
            prompt=tokens_in(usage, "prompt_tokens"),
            completion=tokens_in(usage, "completion_tokens"),
            reasoning=tokens_in(object_or_empty(usage.get("completion_tokens_details")), "reasoning_tokens"),
            cached=tokens_in(object_or_empty(usage.get("prompt_tokens_details")), "cached_tokens"),
        )


# No answer has more, or costs more: whoever says so is wrong, and must not spoil the sums that it is in.
MAX_TOKENS = 1_000_000_000
MAX_USD = 1_000_000.0


def cost_or_none(usd: float | None) -> float | None:
    """Return what is said to be a cost in USD; None where it cannot be one."""
    return usd if usd is not None and 0 <= usd <= MAX_USD else None


def tokens_in(counts: JsonObject, name: str) -> int:
    """Return how many tokens are counted under a name; what is no count is none."""
    count = counts.get(name)
    if type(count) is int and 0 <= count <= MAX_TOKENS:  # as nearly all are; True is no int here
        return count
    return int(min(MAX_TOKENS, max(0.0, number_or_none(count) or 0.0)))


@dataclass(slots=True, kw_only=True)
class Attempt:
    """One call to one model; filled in as it goes.

    Attributes:
        number: 1 for the first attempt at this model.
        upstream: who was asked: ``openrouter``, or the name of one that is asked directly.
        worst_cost_usd: what it may cost at the most; None where nobody knows.
        price: what a direct upstream charges, which says no cost itself; None where it is not known.
        outcome: ``under_way`` until it has ended, or committed; ``cut_off`` is an answer that broke after it
            had begun; ``cancelled`` is one that nobody waits for any more, because another model was faster
            or the client has left.
        fault: why it failed; None for an answer.
        status: the upstream's HTTP status, or a 200's inner error code; None when none arrived.
        ms: from its start to its end, or to its commit for a stream that still runs.
        cost_usd: as OpenRouter said, or by a direct upstream's price; None while unknown.
        generation_id: by which OpenRouter can be asked what it cost; None where it did not say one.
        provider: OpenRouter's name for who served.
        tokens: as the answer's usage counts them.
        resumes: how it took over from an answer that had broken off; None when it did not.
    """

    model: str
    number: int
    upstream: str = OPENROUTER
    worst_cost_usd: float | None = None
    price: Price | None = None
    outcome: AttemptOutcome = "under_way"
    fault: Fault | None = None
    status: int | None = None
    ms: int = 0
    cost_usd: float | None = None
    billed: Billed = "unknown"
    generation_id: str | None = None
    provider: str | None = None
    tokens: Tokens = field(default_factory=Tokens)
    resumes: Resumption | None = None

    @property
    def word(self) -> str:
        """How it stands, in one word: ``ok``, ``cancelled``, ``under_way``, or the code of its fault."""
        if self.fault:
            return self.fault.code
        return "ok" if self.outcome == "answered" else self.outcome

    def fail(self, fault: Fault, *, outcome: AttemptOutcome = "failed") -> None:
        """Record why this attempt failed."""
        self.outcome = outcome
        self.fault = fault
        self.status = fault.status or self.status
        self.billed = fault.rule.billed
        self.settle(self.cost_usd if fault.cost_usd is None else fault.cost_usd)

    def settle_usage(self, usage: JsonObject) -> bool:
        """Record what an answer's usage says that it cost; return whether ``usage`` got that from here."""
        self.tokens = Tokens.of(usage)
        if self.upstream == OPENROUTER:
            self.settle(number_or_none(usage.get("cost")))
            return False
        if self.price is None:  # what another says that it costs, in whichever unit, is nobody's bill
            return False
        cost_usd = self.price.cost_usd(self.tokens.prompt, self.tokens.completion)
        counts = (usage.get("prompt_tokens"), usage.get("completion_tokens"))
        if cost_usd is None or any(number_or_none(count) is None for count in counts):
            return False
        usage["cost"] = round(cost_usd, 9)
        self.settle(cost_usd)
        return True

    def settle(self, cost_usd: float | None) -> None:
        """Record what the attempt cost; None when nobody said, and what cannot be a cost is not said."""
        cost_usd = cost_or_none(cost_usd)
        if cost_usd is not None:
            self.cost_usd = cost_usd
            self.billed = "yes" if cost_usd > 0 else "no"

    @property
    def most_usd(self) -> float:
        """What it has cost, or, while nobody has said, may have cost at the most."""
        if self.cost_usd is not None:
            return self.cost_usd
        return 0.0 if self.billed == "no" else self.worst_cost_usd or 0.0

    def to_json(self) -> JsonObject:
        """Return the attempt as the receipt shows it."""
        shown: JsonObject = {
            "model": self.model,
            "number": self.number,
            "upstream": self.upstream,
            "outcome": self.outcome,
            "source": self.fault.rule.source if self.fault else None,
            "code": self.fault.code if self.fault else None,
            "status": self.status,
            "ms": self.ms,
            "cost_usd": self.cost_usd,
            "billed": self.billed,
        }
        if self.resumes:
            shown["resumes"] = self.resumes
        return shown
