"""plan: which models are asked, in which order, within which times."""

from dataclasses import dataclass
from typing import Literal

from gateway.answers import AnswerTest
from gateway.catalog import Catalog
from gateway.chat import ChatRequest
from gateway.config import Settings
from gateway.worst_cost import worst_cost_usd


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """One link of the chain.

    Attributes:
        worst_cost_usd: what it may cost at the most; None where its price is not known.
    """

    model: str
    worst_cost_usd: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """The times of one request, in seconds, and its retries.

    Attributes:
        deadline_s: the whole chain, until a model commits.
        attempt_s: one attempt, until it commits; None for its share of what is left.
        first_token_s: a stream's first progress.
        idle_s: between progress after the commit.
        retries: further tries of one model.
        guard_events: how many events of a committed stream are watched; None: all.
        hedge_s: a second model starts when the first shows nothing for so long; None: never.
        keepalive_s: how often a waiting stream gets a comment; None: it gets none.
        max_cost_usd: the ceiling over all attempts together; None: there is none.
        strict_cost: whether a model of unknown price is left out under a ceiling.
    """

    deadline_s: float
    attempt_s: float | None
    first_token_s: float
    idle_s: float
    retries: int
    guard_events: int | None = None
    hedge_s: float | None = None
    keepalive_s: float | None = None
    max_cost_usd: float | None = None
    strict_cost: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What execute walks: a chain of at least one candidate.

    Attributes:
        answer_test: what a plain answer must be.
        on_midstream: what happens when a committed stream breaks off.
        openai_usage: whether the caller asked for OpenAI's usage chunk, whose ``choices`` are empty.
        list_errors: whether the error of a spent chain lists every attempt's.
    """

    chain: tuple[Candidate, ...]
    limits: Limits
    answer_test: AnswerTest
    on_midstream: Literal["error", "restart", "continue"] = "error"
    list_errors: bool = False
    openai_usage: bool = False


def plan(chat: ChatRequest, settings: Settings, catalog: Catalog | None = None) -> Plan:
    """Return the chain for a request: the models that it names, or the settings' own chain.

    ``catalog`` is asked for prices; None where it is not at hand.
    """
    models = chat.models or settings.default_chain
    chain = tuple(
        Candidate(model=model, worst_cost_usd=worst_cost_usd(model, chat, catalog)) for model in models
    )
    options = chat.options
    attempt_ms = _first_set(options.attempt_ms, settings.attempt_ms)
    limits = Limits(
        deadline_s=_first_set(options.deadline_ms, settings.deadline_ms) / 1000,
        attempt_s=attempt_ms / 1000 if attempt_ms else None,
        first_token_s=_first_set(options.first_token_ms, settings.first_token_ms) / 1000,
        idle_s=_first_set(options.idle_ms, settings.idle_ms) / 1000,
        retries=_first_set(options.retries, settings.retries),
        guard_events=settings.stream_guard_events,
        hedge_s=options.hedge_ms / 1000 if options.hedge_ms else None,
        keepalive_s=options.keepalive_ms / 1000 if options.keepalive_ms else None,
        max_cost_usd=options.max_cost_usd,
        strict_cost=options.strict,
    )
    chain = chain if options.fallbacks else chain[:1]
    can_go_on = options.on_midstream != "continue" or chat.is_text  # never on from half a tool call or JSON
    return Plan(
        chain=chain,
        limits=limits,
        answer_test=AnswerTest(
            json=chat.wants_json and options.check_json, reasoning_only=options.allow_reasoning_only
        ),
        on_midstream=options.on_midstream if can_go_on else "error",
        list_errors=options.errors == "all",
        openai_usage=chat.openai_usage,
    )


def _first_set(asked: int | None, default: int) -> int:
    return default if asked is None else asked
