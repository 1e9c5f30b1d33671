"""The caller of a request: the name of its key, what the key allows, and the limits that bind it."""

from collections.abc import Mapping
from dataclasses import field
from hashlib import sha256

from gateway.http.frozen import dataclass
from gateway.http.json_values import Json
from gateway.settings.budget import Budget


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyLimits:
    """Ceilings of a key. A request can be stricter than they are, and never lift them. None: no limit.

    Attributes:
        max_cost_usd: the most that all attempts of one request may cost together.
        max_session_usd: the most that all requests of one session may cost together.
        loop_limit: how often an agent may repeat a tool call without progress.
        strict: whether models of unknown cost are left out where a ceiling or a budget counts.
        max_tokens: the longest answer; a request without a limit, or with a higher one, gets this one.
        retries: further tries of one model.
        deadline_ms: the time limit of the complete chain, in ms.
        plugins: the plugins and server tools that a request may use, by name; ``web`` for every form of web
            search, ``preset`` for presets, which may bring others. Empty: none.
        models: models and tasks that a request may use, in the form of ``GatewayKey.models``; both count.
    """

    max_cost_usd: float | None = None
    max_session_usd: float | None = None
    loop_limit: int | None = None
    strict: bool = False
    max_tokens: int | None = None
    retries: int | None = None
    deadline_ms: int | None = None
    plugins: frozenset[str] | None = None
    models: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """The caller of a request, by its key; never the key itself. See ``settings.keys.GatewayKey``.

    Attributes:
        name: the name of the key.
        options: options for its requests that do not set them.
        limits: ceilings that its requests cannot lift.
        key_id: of a key in the database, its id, which nobody else knows; it is in no representation.
        own_key: the caller's own key for OpenRouter, which is used in place of the gateway's; it is in no
            representation.
    """

    name: str
    models: tuple[str, ...] | None = None
    admin: bool = False
    budget: Budget = field(default_factory=Budget)
    per_minute: int | None = None
    concurrent: int | None = None
    options: Mapping[str, Json] = field(default_factory=dict)
    limits: KeyLimits = field(default_factory=KeyLimits)
    key_id: str | None = field(default=None, repr=False)
    own_key: str | None = field(default=None, repr=False)

    @property
    def own_key_digest(self) -> str | None:
        """The SHA-256 digest of ``own_key`` in hexadecimal; None without one. ``name`` has a part of it."""
        return sha256(self.own_key.encode()).hexdigest() if self.own_key else None


# Who calls a route that needs no key.
NOBODY = Caller(name="nobody", models=())
