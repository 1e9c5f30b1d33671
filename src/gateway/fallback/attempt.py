"""The record of one attempt: which model was called, how the call ended, and what it cost."""

from collections.abc import Mapping
from dataclasses import field
from typing import Literal, TypeAlias

from gateway.dialects.tokens import Tokens
from gateway.faults.details import shorten
from gateway.faults.fault import Fault
from gateway.faults.policy import Billed
from gateway.http.frozen import dataclass
from gateway.http.json_values import JsonObject, number_or_none
from gateway.http.message import OPENROUTER
from gateway.routing.chain import TimeLimit
from gateway.settings.price import Price

# "under_way" means in flight; the word is part of the receipt's public format.
AttemptOutcome: TypeAlias = Literal["under_way", "answered", "failed", "cut_off", "cancelled"]
Resumption: TypeAlias = Literal["restart", "continue"]


def elapsed_ms(from_s: float, to_s: float) -> int:
    """Return the time between two readings of the clock, in ms (an integer, 0 or more).

    The 2024 runtime's clock may step back a little, so a difference below 0 counts as 0.
    """
    return max(0, round((to_s - from_s) * 1000))


MAX_MESSAGE_CHARACTERS = 200  # of what an upstream said, in a receipt
MAX_USD = 1_000_000.0


def cost_or_none(usd: float | None) -> float | None:
    """Return a reported cost in USD; None if it is missing, negative or above ``MAX_USD``."""
    return usd if usd is not None and 0 <= usd <= MAX_USD else None


@dataclass(slots=True, kw_only=True)
class Attempt:
    """One call to one model; updated while it runs.

    Attributes:
        number: 1 for the first attempt at this model.
        upstream: the upstream that was called: ``openrouter``, or the name of a direct upstream.
        own_key: whether the caller's own key was sent, and not the gateway's.
        worst_cost_usd: the most it may cost, in USD; None if unknown.
        held_cost_usd: what it holds of a budget while it is in flight; None: its worst cost.
        price: the price of a direct upstream, which reports no cost itself; None if unknown.
        outcome: ``under_way`` (in flight) until it ends or commits. ``cut_off``: the answer had begun, and
            then ended early. ``cancelled``: its answer is no longer wanted, because another model was faster
            or the client has left.
        fault: why it failed; None if it has not failed.
        status: the upstream's HTTP status, or the error code inside a 200; None if no reply arrived.
        ms: time from its start to its end, in ms; for a stream that still runs, to its commit.
        cost_usd: as OpenRouter reported it, or computed from a direct upstream's price; None while unknown.
        billed: whether it costs money: ``yes``, ``no`` or ``unknown``.
        generation_id: OpenRouter's ID, by which its cost can be requested later; None if there was none.
        provider: OpenRouter's name for the provider that served the answer.
        tokens: the token counts of the answer's usage.
        resumes: how it continued an answer that was cut off; None if it did not.
        watched: whether a stream was requested for a plain answer.
        signed_parts_removed: how many signed parts of the messages it did not get.
        limits: its time limits, by the code of the fault that it ends with if it exceeds one.
    """

    model: str
    number: int
    upstream: str = OPENROUTER
    own_key: bool = False
    worst_cost_usd: float | None = None
    held_cost_usd: float | None = None
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
    watched: bool = False
    signed_parts_removed: int = 0
    limits: Mapping[str, TimeLimit] = field(default_factory=dict)

    @property
    def word(self) -> str:
        """The state in one word: ``ok``, ``cancelled``, ``under_way``, or the code of the fault."""
        if self.fault:
            return self.fault.code
        return "ok" if self.outcome == "answered" else self.outcome

    @property
    def ended_by(self) -> TimeLimit | None:
        """The time limit that ended it; None if it ended for another reason, or has not ended."""
        return self.limits.get(self.fault.code) if self.fault else None

    def fail(self, fault: Fault, *, outcome: AttemptOutcome = "failed") -> None:
        """Record why this attempt failed."""
        self.outcome = outcome
        self.fault = fault
        self.status = fault.status or self.status
        self.billed = fault.rule.billed
        if outcome == "cut_off" and self.upstream != OPENROUTER:
            self.billed = "unknown"  # only OpenRouter promises to bill no answer that ends in an error
        self.settle(self.cost_usd if fault.cost_usd is None else fault.cost_usd)

    def hand_over(self) -> None:
        """Record that the caller gets the answer all the same: no model has answered after it."""
        self.outcome, self.fault, self.billed = "answered", None, "unknown"

    def settle_usage(self, usage: JsonObject, tokens: Tokens) -> bool:
        """Record an answer's tokens and cost; return whether this function added ``cost`` to ``usage``.

        ``tokens`` are the counts in ``usage``.
        """
        self.tokens = tokens
        if self.upstream == OPENROUTER:
            self.settle(number_or_none(usage.get("cost")))
            return False
        if self.price is None:  # a cost that a direct upstream reports has no known unit
            return False
        cost_usd = self.price.cost_usd(self.tokens.prompt, self.tokens.completion)
        if cost_usd is None or not tokens.are_stated:
            return False
        usage["cost"] = round(cost_usd, 9)
        self.settle(cost_usd)
        return True

    def settle(self, cost_usd: float | None) -> None:
        """Record what the attempt cost, in USD; None, or a value that cannot be a cost, changes nothing."""
        cost_usd = cost_or_none(cost_usd)
        if cost_usd is not None:
            self.cost_usd = cost_usd
            self.billed = "yes" if cost_usd > 0 else "no"

    @property
    def most_usd(self) -> float:
        """The cost in USD; while it is unknown, the most it may be.

        It is 0 if the attempt is not billed, or if its worst cost is unknown.
        """
        if self.cost_usd is not None:
            return self.cost_usd
        return 0.0 if self.billed == "no" else self.worst_cost_usd or 0.0

    @property
    def held_usd(self) -> float:
        """What the attempt holds of a budget, in USD: its estimate in flight, then what it cost at most."""
        if self.outcome == "under_way" and self.cost_usd is None and self.held_cost_usd is not None:
            return self.held_cost_usd
        return self.most_usd

    def to_json(self) -> JsonObject:
        """Return the attempt as its caller's receipt shows it: with what the upstream said, if it failed."""
        shown = self.to_log()
        if self.fault and self.fault.reported and self.fault.reported.message:
            shown["message"] = shorten(self.fault.reported.message, MAX_MESSAGE_CHARACTERS)
        return shown

    def to_log(self) -> JsonObject:
        """Return the attempt without what the upstream said: that may repeat the prompt."""
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
        if limit := self.ended_by:
            shown |= limit.to_json()
        if self.resumes:
            shown["resumes"] = self.resumes
        if self.watched:
            shown["watched"] = True
        if self.signed_parts_removed:
            shown["signed_parts_removed"] = self.signed_parts_removed
        return shown
