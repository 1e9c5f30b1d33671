"""Settings: one table of what can be set, and ``Settings``, read once from it and checked.

Secrets come from ``wrangler secret put``; everything else from ``[vars]``, with a default that works.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import TypeAlias, cast

from gateway.casts import (
    HOUR_MS,
    Cast,
    Value,
    as_base_url,
    as_count_or_unlimited,
    as_flag,
    as_header_text,
    as_model,
    as_models,
    as_whole,
    as_words,
)
from gateway.errors import ConfigError
from gateway.keys import GatewayKey, as_keys
from gateway.prices import Price
from gateway.tasks import TaskRoute, as_task_routes
from gateway.upstreams import DirectUpstream, as_upstreams, split_direct
from gateway.wire import Upstream

# What is set, by name; None where it is not.
Env: TypeAlias = Callable[[str], str | None]


@dataclass(frozen=True, slots=True)
class Setting:
    """One row of the settings table: its default as it would be written, how it is read, what it means."""

    default: str
    cast: Cast
    meaning: str
    secret: bool = False


SETTINGS: Mapping[str, Setting] = MappingProxyType(
    {
        "OPENROUTER_API_KEY": Setting(
            "", as_header_text, "OpenRouter's key. The only thing that must be set.", True
        ),
        "GATEWAY_KEYS": Setting(
            "",
            as_keys,
            "Who may call: `name:token`, one a line or comma-separated; or JSON, which can bind a key to "
            "models. Nobody without.",
            True,
        ),
        "DEFAULT_MODEL": Setting("openrouter/auto", as_model, "The model of a request that names none."),
        "FALLBACK_MODELS": Setting("", as_models, "What follows `DEFAULT_MODEL` in its chain, in order."),
        "FALLBACK_MODEL": Setting(
            "", as_models, "The same, for one model; read when `FALLBACK_MODELS` is empty."
        ),
        "TASK_ROUTES": Setting(
            "",
            as_task_routes,
            "JSON: names such as `task/code`, and the chain that each stands for, beside the built-in ones.",
        ),
        "UPSTREAMS": Setting(
            "",
            as_upstreams,
            "JSON: OpenAI-compatible upstreams that a chain may ask directly, as `direct:NAME/MODEL`.",
        ),
        "OPENROUTER_BASE_URL": Setting(
            "https://openrouter.ai/api/v1", as_base_url, "The upstream. HTTPS, unless its host is loopback."
        ),
        "DEADLINE_MS": Setting("240000", as_whole(1, HOUR_MS), "The whole chain, until a model commits."),
        "ATTEMPT_MS": Setting(
            "0",
            as_whole(0, HOUR_MS),
            "One attempt, until it commits. 0: what is left, shared by the models left.",
        ),
        "FIRST_TOKEN_MS": Setting(
            "60000", as_whole(1, HOUR_MS), "A stream's first progress: text, reasoning, tool call."
        ),
        "IDLE_MS": Setting("60000", as_whole(1, HOUR_MS), "Between progress, once a stream has committed."),
        "STREAM_GUARD_EVENTS": Setting(
            "unlimited",
            as_count_or_unlimited,
            "How many events of a committed stream are watched before the rest passes unseen, at next to "
            "no cost. 0 suits the free plan: a stream that breaks off then just ends.",
        ),
        "RETRIES": Setting(
            "1", as_whole(0, 10), "Further tries of one model, where that is worth more than the next."
        ),
        "SITE_URL": Setting(
            "", as_header_text, "Sent as `HTTP-Referer`: who this app is, for OpenRouter's rankings."
        ),
        "APP_TITLE": Setting("", as_header_text, "Sent as `X-OpenRouter-Title` and `X-Title`."),
        "CORS_ORIGINS": Setting("", as_words, "Origins whose pages may call, or `*`. None: no browser may."),
        "CATALOG_TTL_S": Setting(
            "3600", as_whole(60, 604_800), "How long the list of models counts as fresh."
        ),
        "MAX_BODY_BYTES": Setting("10485760", as_whole(1, 100_000_000), "The largest request body."),
        "OPEN_ON_LOOPBACK": Setting(
            "false",
            as_flag,
            "Lets calls to a loopback host in without a key. `make dev` sets it; leave it alone.",
        ),
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Direct:
    """An upstream that is asked directly, with its key, and what it charges by model."""

    upstream: Upstream
    prices: Mapping[str, Price]


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What this Worker was told, cast and checked. Times are in milliseconds, as they were set."""

    upstream: Upstream
    gateway_keys: tuple[GatewayKey, ...]
    default_chain: tuple[str, ...]
    task_routes: Mapping[str, TaskRoute]
    direct: Mapping[str, Direct]
    deadline_ms: int
    attempt_ms: int
    first_token_ms: int
    idle_ms: int
    retries: int
    stream_guard_events: int | None
    site_url: str
    app_title: str
    cors_origins: tuple[str, ...]
    catalog_ttl_s: int
    max_body_bytes: int
    open_on_loopback: bool

    def __repr__(self) -> str:
        return f"Settings(upstream={self.upstream!r}, gateway_keys=<{len(self.gateway_keys)}>)"

    def require_upstream_key(self) -> None:
        """Raise ``ConfigError`` where there is no key to call OpenRouter with."""
        if not self.upstream.api_key:
            raise ConfigError(
                "OPENROUTER_API_KEY", "is not set. Set it with `npx wrangler secret put OPENROUTER_API_KEY`."
            )

    @classmethod
    def from_env(cls, env: Env) -> "Settings":
        """Return the settings that ``env`` gives by name; what it lacks, or leaves empty, has its default.

        Raises:
            ConfigError: a value is wrong. Names the setting, never its value.
        """
        values = {name: _read(name, setting, env) for name, setting in SETTINGS.items()}
        fallbacks = values["FALLBACK_MODELS"] or values["FALLBACK_MODEL"]
        first = (str(values["DEFAULT_MODEL"]),)
        chain = tuple(dict.fromkeys(first + cast(tuple[str, ...], fallbacks)))
        routes = cast(tuple[TaskRoute, ...], values["TASK_ROUTES"])
        direct = {
            each.name: _with_key(each, env) for each in cast(tuple[DirectUpstream, ...], values["UPSTREAMS"])
        }
        _check_names("DEFAULT_MODEL and FALLBACK_MODELS", chain, direct)
        for route in routes:
            _check_names("TASK_ROUTES", route.models, direct)
        plain = {name.lower(): value for name, value in values.items() if name not in DERIVED}
        return cls(
            upstream=Upstream(
                base_url=str(values["OPENROUTER_BASE_URL"]), api_key=str(values["OPENROUTER_API_KEY"])
            ),
            gateway_keys=cast(tuple[GatewayKey, ...], values["GATEWAY_KEYS"]),
            default_chain=chain,
            task_routes=MappingProxyType({route.name: route for route in routes}),
            direct=MappingProxyType(direct),
            **plain,  # type: ignore[arg-type]  # one to one with the table; a test compares the two
        )


# Settings that become something else than a field of their own name.
DERIVED = frozenset(
    {
        "OPENROUTER_API_KEY",
        "OPENROUTER_BASE_URL",
        "GATEWAY_KEYS",
        "DEFAULT_MODEL",
        "FALLBACK_MODELS",
        "FALLBACK_MODEL",
        "TASK_ROUTES",
        "UPSTREAMS",
    }
)


def _read(name: str, setting: Setting, env: Env) -> Value:
    try:
        return setting.cast((env(name) or "").strip() or setting.default)
    except ValueError as error:
        raise ConfigError(name, str(error)) from None


def _with_key(declared: DirectUpstream, env: Env) -> Direct:
    """Return a direct upstream with the key that its secret holds.

    Raises:
        ConfigError: there is no such secret, or it is one of the gateway's own.
    """
    if declared.secret in SETTINGS:
        raise ConfigError("UPSTREAMS", f"must not send {declared.secret} to `{declared.name}`")
    key = _read_secret(declared.secret, env) if declared.secret else ""
    upstream = Upstream(base_url=declared.base_url, api_key=key, name=declared.name)
    return Direct(upstream=upstream, prices=declared.prices)


def _read_secret(name: str, env: Env) -> str:
    try:
        key = as_header_text(env(name) or "")
    except ValueError as error:
        raise ConfigError(name, str(error)) from None
    if not key:
        raise ConfigError(name, f"is not set. Set it with `npx wrangler secret put {name}`.")
    return key


def _check_names(setting: str, models: Iterable[str], direct: Mapping[str, Direct]) -> None:
    """Raise ``ConfigError`` where a chain of the settings names an upstream that is not declared."""
    for model in models:
        parts = split_direct(model)
        if parts is not None and (parts[0] not in direct or not parts[1]):
            raise ConfigError(setting, "name a `direct:NAME/MODEL` whose NAME is not in UPSTREAMS")
