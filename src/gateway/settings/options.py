"""The options of a request's ``gateway`` object: the rule for each, and the type that holds their values."""

from collections.abc import Mapping, Sequence
from dataclasses import field
from types import MappingProxyType
from typing import Literal, TypeAlias, get_args

from gateway.http.frozen import dataclass
from gateway.settings.field_rule import ABOVE_ZERO, CODES, FLAG, SPACE, WEIGHTS, FieldRule, between, one_of
from gateway.settings.parse_value import HOUR_MS
from gateway.settings.patience import PATIENCE_NAMES, PatienceName

Order: TypeAlias = Literal["given", "cheapest", "fastest", "weighted", "sticky", "auto"]
ORDERS: tuple[str, ...] = get_args(Order)

Midstream: TypeAlias = Literal["error", "restart", "continue", "hold"]
MIDSTREAM: tuple[str, ...] = get_args(Midstream)

DAY_S = 86_400

# The options, and the rule for the value of each.
OPTIONS: Mapping[str, FieldRule] = MappingProxyType({
    "patience": one_of(*PATIENCE_NAMES),
    "deadline_ms": between(1, HOUR_MS),
    "attempt_ms": between(1, HOUR_MS),
    "first_token_ms": between(1, HOUR_MS),
    "idle_ms": between(1, HOUR_MS),
    "max_wait_ms": between(0, HOUR_MS),
    "retries": between(0, 10),
    "retry_first": FLAG,
    "stop_on": CODES,
    "retry_billed": FLAG,
    "fallbacks": FLAG,
    "errors": one_of("last", "all"),
    "on_midstream": one_of(*MIDSTREAM),
    "hedge_ms": between(1, HOUR_MS),
    "keepalive_ms": between(100, HOUR_MS),
    "max_cost_usd": ABOVE_ZERO,
    "max_session_usd": ABOVE_ZERO,
    "loop_limit": between(0, 1_000),
    "strict": FLAG,
    "check_json": FLAG,
    "allow_reasoning_only": FLAG,
    "watch": FLAG,
    "show_model": one_of("served", "requested"),
    "cache_ttl_s": between(1, DAY_S),
    "allow_model_change": FLAG,
    "embedding_space": SPACE,
    "order": one_of(*ORDERS),
    "weights": WEIGHTS,
})  # fmt: skip  # one option a line


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """The values of a request's ``gateway`` object. None means the default of the settings.

    All times are in milliseconds, except ``cache_ttl_s``.

    Attributes:
        patience: how long a model is waited for, in one word. The next four go before it.
        deadline_ms: the time for the complete chain, until a model commits.
        attempt_ms: the time for one attempt, until it commits.
        first_token_ms: the time until a stream's first progress.
        idle_ms: the longest time between progress after the commit.
        max_wait_ms: how long the request may wait in all, for cooldowns and before retries.
        retries: how often one model may be retried.
        retry_first: whether a model is retried before the next one is asked, if a retry may help.
        stop_on: the fault codes at which the chain ends: no further model is asked, and none is retried.
        retry_billed: whether another attempt is made after one that may have been billed, in a dialect whose
            answers are expensive (see ``Dialect.may_pay_twice``).
        fallbacks: False: only the first model is tried.
        errors: ``all``: if the chain is exhausted, the error of every attempt is listed.
        on_midstream: what happens if a stream is cut off. ``error`` ends it with an error. With ``restart``
            the next model starts over. With ``continue`` the next model continues the text so far. With
            ``hold`` nothing is sent until the answer is complete, so the next model starts over unseen.
        hedge_ms: if the first model shows nothing for this long, the next one starts in parallel.
        keepalive_ms: how often a comment is sent while no model has committed; the status is then always 200.
        max_cost_usd: a cost ceiling: an attempt that could take the request above it does not begin.
        max_session_usd: how much all requests of the session may cost together.
        loop_limit: how often an agent may repeat a tool call without progress; 0: any number of times.
        strict: with ``max_cost_usd``, models without a known price are skipped.
        check_json: whether a plain answer must be JSON if ``response_format`` requested JSON. A fence around
            it is then taken off.
        allow_reasoning_only: whether a plain answer, or a stream of Messages, may hold reasoning and nothing
            else.
        watch: whether the upstream of a plain answer is asked for a stream, which the gateway puts together,
            so that the limits of a stream hold.
        show_model: which model a Messages answer states: the one that served it, or the one requested.
        cache_ttl_s: how old a cached answer to the same request may be, in seconds; None: no cached answer is
            used or stored.
        order: how the chain is ordered; None: by its route's order, or as given.
        weights: by model, for the order ``weighted``; 1 for a model without one.
        allow_model_change: whether another model may answer a request for embeddings.
        embedding_space: the model and the number of dimensions that vectors must have: ``model/dimensions``.
        asked: the names of the options that the caller has set.
    """

    patience: PatienceName | None = None
    deadline_ms: int | None = None
    attempt_ms: int | None = None
    first_token_ms: int | None = None
    idle_ms: int | None = None
    max_wait_ms: int | None = None
    retries: int | None = None
    retry_first: bool = False
    stop_on: Sequence[str] = ()
    retry_billed: bool = False
    fallbacks: bool = True
    errors: Literal["last", "all"] = "last"
    on_midstream: Midstream = "error"
    hedge_ms: int | None = None
    keepalive_ms: int | None = None
    max_cost_usd: float | None = None
    max_session_usd: float | None = None
    loop_limit: int | None = None
    strict: bool = False
    check_json: bool = True
    allow_reasoning_only: bool = False
    watch: bool | None = None
    show_model: Literal["served", "requested"] = "served"
    cache_ttl_s: int | None = None
    order: Order | None = None
    weights: Mapping[str, float] | None = None
    allow_model_change: bool = False
    embedding_space: str | None = None
    asked: frozenset[str] = field(default=frozenset())
