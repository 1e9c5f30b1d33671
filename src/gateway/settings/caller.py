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
        no_lending: whether the key may lend no part of itself.
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
    no_lending: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Lent:
    """What makes a key a lent one: a part of another key, whose name it has and whose budgets it uses.

    Attributes:
        id: what tells it apart from other parts of the same key.
        expires_at_s: the Unix time from which it is refused, if not even earlier.
        models: the models and tasks that it may use; the other key must allow them too. None: all of those.
        budget_micros: how much it may spend in all, in micro-dollars; None: no limit of its own.
        per_minute: how many requests it may make in a minute; None: no limit of its own.
    """

    id: str
    expires_at_s: float
    models: tuple[str, ...] | None = None
    budget_micros: int | None = None
    per_minute: int | None = None

    @property
    def session(self) -> str:
        """The session that all its requests belong to in the ledger: the sum of what they cost."""
        return f"{LENT}{self.id}"


# How the session of a lent key begins in the ledger. Other sessions are hexadecimal digits.
LENT = "lent:"


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """The caller of a request, by its key; never the key itself. See ``settings.keys.GatewayKey``.

    Attributes:
        name: the name of the key.
        options: options for its requests that do not set them.
        limits: ceilings that its requests cannot lift.
        key_id: of a key in the database, its id, which nobody else knows; it is in no representation.
        digest: the digest of the gateway's key, in no representation; None without one.
        lent: what was lent to the caller, if its key is a part of another one.
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
    digest: bytes | None = field(default=None, repr=False)
    lent: Lent | None = None
    own_key: str | None = field(default=None, repr=False)

    @property
    def own_key_digest(self) -> str | None:
        """The SHA-256 digest of ``own_key`` in hexadecimal; None without one. ``name`` has a part of it."""
        return sha256(self.own_key.encode()).hexdigest() if self.own_key else None


# Who calls a route that needs no key.
NOBODY = Caller(name="nobody", models=())
