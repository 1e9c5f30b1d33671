"""plan: which models are asked, in which order, within which times."""

from dataclasses import dataclass

from gateway.chat import ChatRequest
from gateway.config import Settings


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """One link of the chain."""

    model: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """The times of one request, in seconds, and its retries.

    Attributes:
        deadline_s: the whole chain, until a model commits.
        attempt_s: one attempt, until it commits; None for its share of what is left.
        first_token_s: a stream's first progress.
        idle_s: between progress after the commit.
        retries: further tries of one model.
    """

    deadline_s: float
    attempt_s: float | None
    first_token_s: float
    idle_s: float
    retries: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What execute walks: a chain of at least one candidate."""

    chain: tuple[Candidate, ...]
    limits: Limits


def plan(chat: ChatRequest, settings: Settings) -> Plan:
    """Return the chain for a request: the models that it names, or the settings' own chain."""
    models = chat.models or settings.default_chain
    chain = tuple(Candidate(model=model) for model in models)
    options = chat.options
    attempt_ms = _first_set(options.attempt_ms, settings.attempt_ms)
    limits = Limits(
        deadline_s=_first_set(options.deadline_ms, settings.deadline_ms) / 1000,
        attempt_s=attempt_ms / 1000 if attempt_ms else None,
        first_token_s=_first_set(options.first_token_ms, settings.first_token_ms) / 1000,
        idle_s=_first_set(options.idle_ms, settings.idle_ms) / 1000,
        retries=_first_set(options.retries, settings.retries),
    )
    return Plan(chain=chain if options.fallbacks else chain[:1], limits=limits)


def _first_set(asked: int | None, default: int) -> int:
    return default if asked is None else asked
