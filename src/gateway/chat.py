"""A chat request as the gateway understands it, and what a caller may ask of the gateway itself."""

from collections.abc import Mapping
from dataclasses import field
from typing import Literal

from gateway.budget import Budget
from gateway.frozen import dataclass
from gateway.needs import Needs
from gateway.tasks import Order
from gateway.wire import Json


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """Who calls: the name of its key, never the key, and what goes with it; see ``keys.GatewayKey``.

    Attributes:
        own_key: the caller's own key for OpenRouter, which is then used instead of the gateway's; it stands
            in no representation.
    """

    name: str
    models: tuple[str, ...] | None = None
    admin: bool = False
    budget: Budget = field(default_factory=Budget)
    per_minute: int | None = None
    concurrent: int | None = None
    options: Mapping[str, Json] = field(default_factory=dict)
    own_key: str | None = field(default=None, repr=False)


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


@dataclass(frozen=True, slots=True, kw_only=True)
class ChatRequest:
    """A checked request.

    Attributes:
        model: what the body's ``model`` names; None where it has none.
        models: all that it names, in order, each once; empty when it names none.
        stream: whether it wants server-sent events.
        fields: the body without what is the gateway's own (`model`, `models`, `gateway`), as it came or
            serialised once: an object's inside and its closing brace, ready to follow ``{"model":"…",``.
        max_tokens: the caller's limit for each answer; None where it set none.
        choices: how many answers it wants, 1 or more.
        wants_json: whether ``response_format`` asks for JSON.
        is_text: whether the answer can be nothing but text: no tools, no JSON, one choice.
        openai_usage: whether it asks for OpenAI's usage chunk, whose ``choices`` are empty.
        openrouters_own: whether it has fields that mean something to OpenRouter alone.
        session: what the caller calls the session; None where it names none.
        user: the caller's own user; None where it names none.
        needs: what a model must be able to do for it.
        options: what it asks of the gateway.
    """

    model: str | None
    models: tuple[str, ...]
    stream: bool
    fields: bytes
    max_tokens: int | None
    choices: int
    wants_json: bool
    is_text: bool
    openai_usage: bool
    openrouters_own: bool
    session: str | None
    user: str | None
    needs: Needs
    options: Options

    def field_of(self, name: str) -> str:
        """Return the body's field that names a model or a task."""
        return "model" if name == self.model else "models"
