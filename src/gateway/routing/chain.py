"""A chain as it was planned: its links in order, what was left out of it and why, and within which limits."""

from dataclasses import field
from typing import Literal

from gateway.dialects.chat.answer_checks import AnswerTest
from gateway.http.frozen import dataclass
from gateway.http.json_values import JsonObject
from gateway.http.message import OPENROUTER
from gateway.settings.options import Order
from gateway.settings.price import Price


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """One link of the chain.

    Attributes:
        model: its name as the caller, a route or a setting has it: what receipts show.
        upstream: who is asked: ``openrouter``, or the name of an upstream that is asked directly.
        asked: the model's name there.
        task: the route that it came by; None where it was named itself.
        estimated_cost_usd: what it may well cost; None where its price is not known.
        worst_cost_usd: what it may cost at the most; None where its price, a length or a fee is not known.
        price: what a direct upstream charges, which says no cost itself; None where it is not known.
        max_price: the ceiling of its route, for OpenRouter's choice of a provider.
    """

    model: str
    upstream: str = OPENROUTER
    asked: str
    task: str | None = None
    estimated_cost_usd: float | None = None
    worst_cost_usd: float | None = None
    price: Price | None = None
    max_price: Price | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """The next attempt: whom to ask, after how many seconds, and for how long at the most.

    Attributes:
        share_s: its part of what is left of the deadline, counted from its start.
    """

    candidate: Candidate
    number: int
    wait_s: float
    share_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Skipped:
    """A model that is not asked, and why; ``details`` say more of the reason."""

    model: str
    reason: str
    details: JsonObject = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """The times of one request, in seconds, and its retries.

    Attributes:
        deadline_s: the whole chain, until a model commits.
        attempt_s: one attempt, until it commits; None for its share of what is left.
        first_token_s: a stream's first progress.
        idle_s: between progress after the commit.
        retries: further tries of one model.
        max_attempts: how many attempts there may be in all, with those of a stream that is taken over.
        guard_events: how many events of a committed stream are watched; None: all.
        hedge_s: a second model starts when the first shows nothing for so long; None: never.
        keepalive_s: how often a waiting stream gets a comment; None: it gets none.
        max_cost_usd: the ceiling over all attempts together; None: there is none.
        over_ceiling: why a model is left out that does not fit it: whose ceiling it is.
    """

    deadline_s: float
    attempt_s: float | None
    first_token_s: float
    idle_s: float
    retries: int
    max_attempts: int = 40
    guard_events: int | None = None
    hedge_s: float | None = None
    keepalive_s: float | None = None
    max_cost_usd: float | None = None
    over_ceiling: Literal["over_max_cost", "over_budget"] = "over_max_cost"


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What execute walks.

    Attributes:
        requested: every model that was asked for, in order, the routes' among them.
        chain: the links that are left, in the order in which they are tried.
        skipped: those that are not, and why.
        order: how the chain was ordered as a whole.
        by_speed: whether an order, of the chain or of a route in it, goes by how fast models are.
        notes: what the caller should know of the plan, in words.
        nothing_left: the code of the fault that a chain without links ends in; empty where it has some.
        answer_test: what a plain answer must be.
        cache_ttl_s: how old a kept answer may be; None where none is wanted, or kept.
        on_midstream: what happens when a committed stream breaks off.
        openai_usage: whether the caller asked for OpenAI's usage chunk, whose ``choices`` are empty.
        list_errors: whether the error of a spent chain lists every attempt's.
    """

    requested: tuple[str, ...]
    chain: tuple[Candidate, ...]
    skipped: tuple[Skipped, ...] = ()
    order: Order = "given"
    by_latency: bool = False
    notes: tuple[str, ...] = ()
    nothing_left: str = ""
    limits: Limits
    answer_test: AnswerTest
    cache_ttl_s: int | None = None
    on_midstream: Literal["error", "restart", "continue"] = "error"
    list_errors: bool = False
    openai_usage: bool = False
