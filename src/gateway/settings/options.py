"""The options of a request's ``gateway`` object: what each must be, and all of them as they were set."""

from collections.abc import Mapping
from dataclasses import field
from types import MappingProxyType
from typing import Literal, TypeAlias, get_args

from gateway.http.frozen import dataclass
from gateway.settings.field_rule import ABOVE_ZERO, FLAG, WEIGHTS, FieldRule, between, one_of
from gateway.settings.parse_value import HOUR_MS

Order: TypeAlias = Literal["given", "cheapest", "fastest", "weighted", "sticky"]
ORDERS: tuple[str, ...] = get_args(Order)

DAY_S = 86_400


# What a caller may ask of the gateway itself.
OPTIONS: Mapping[str, FieldRule] = MappingProxyType({
    "deadline_ms": between(1, HOUR_MS),
    "attempt_ms": between(1, HOUR_MS),
    "first_token_ms": between(1, HOUR_MS),
    "idle_ms": between(1, HOUR_MS),
    "retries": between(0, 10),
    "fallbacks": FLAG,
    "errors": one_of("last", "all"),
    "on_midstream": one_of("error", "restart", "continue"),
    "hedge_ms": between(1, HOUR_MS),
    "keepalive_ms": between(100, HOUR_MS),
    "max_cost_usd": ABOVE_ZERO,
    "strict": FLAG,
    "check_json": FLAG,
    "allow_reasoning_only": FLAG,
    "cache_ttl_s": between(1, DAY_S),
    "order": one_of("given", "cheapest", "fastest", "weighted", "sticky"),
    "weights": WEIGHTS,
})  # fmt: skip  # one option a line


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """The body's ``gateway`` object; None means the setting's value. Times in milliseconds.

    Attributes:
        deadline_ms: the whole chain, until a model commits.
        attempt_ms: one attempt, until it commits.
        first_token_ms: a stream's first progress.
        idle_ms: between progress after the commit.
        retries: further tries of one model.
        fallbacks: False tries only the first model.
        errors: ``all`` lists every attempt's error after a spent chain.
        on_midstream: what happens to a stream that breaks off: it ends in an error; or the next model starts
            over (``restart``); or it goes on from the text that is there (``continue``).
        hedge_ms: the next model starts beside the first when that shows nothing for so long.
        keepalive_ms: a comment this often while no model has committed; the status is then always 200.
        max_cost_usd: no attempt begins that could bring the request above it.
        strict: with ``max_cost_usd``, models of unknown price are left out.
        check_json: whether a plain answer must be JSON where ``response_format`` asked for JSON.
        allow_reasoning_only: whether a plain answer may hold reasoning and nothing else.
        cache_ttl_s: how old a kept answer to the same request may be; None: a new one is given, and not kept.
        order: how the chain is ordered; None means its route's order, or as it was given.
        weights: for the order ``weighted``, by model; 1 where there is none.
        asked: which of these the caller has set.
    """

    deadline_ms: int | None = None
    attempt_ms: int | None = None
    first_token_ms: int | None = None
    idle_ms: int | None = None
    retries: int | None = None
    fallbacks: bool = True
    errors: Literal["last", "all"] = "last"
    on_midstream: Literal["error", "restart", "continue"] = "error"
    hedge_ms: int | None = None
    keepalive_ms: int | None = None
    max_cost_usd: float | None = None
    strict: bool = False
    check_json: bool = True
    allow_reasoning_only: bool = False
    cache_ttl_s: int | None = None
    order: Order | None = None
    weights: Mapping[str, float] | None = None
    asked: frozenset[str] = field(default=frozenset())
