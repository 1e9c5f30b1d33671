"""A chat request as the gateway understands it, and what a caller may ask of the gateway itself."""

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """Who calls: the name of its key, never the key."""

    name: str


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
    """

    deadline_ms: int | None = None
    attempt_ms: int | None = None
    first_token_ms: int | None = None
    idle_ms: int | None = None
    retries: int | None = None
    fallbacks: bool = True
    errors: Literal["last", "all"] = "last"


@dataclass(frozen=True, slots=True, kw_only=True)
class ChatRequest:
    """A checked request.

    Attributes:
        models: as the caller named them, in order, each once; empty when it named none.
        stream: whether it wants server-sent events.
        fields: the body without what is the gateway's own (`model`, `models`, `gateway`), serialised once:
            a JSON object's inside, without its opening brace, ready to follow ``{"model":"…"``.
        options: what it asks of the gateway.
    """

    models: tuple[str, ...]
    stream: bool
    fields: bytes
    options: Options
