"""``Settings``: the configuration of this Worker, parsed and checked by the table of settings."""

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import replace
from itertools import chain as joined
from types import MappingProxyType
from typing import TypeAlias, cast

from gateway.http.errors import ConfigError
from gateway.http.frozen import dataclass
from gateway.http.message import Upstream
from gateway.settings.budget import MICROS, Budget
from gateway.settings.caller import Caller
from gateway.settings.keys import GatewayKey
from gateway.settings.parse_value import Value, as_header_text
from gateway.settings.price import Price
from gateway.settings.table import SETTINGS, Setting
from gateway.settings.task_routes import PREFIX, TaskRoute
from gateway.settings.upstreams import DirectUpstream, split_direct

# Returns the text of a setting by its name; None if it is not set.
Env: TypeAlias = Callable[[str], str | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Direct:
    """A direct upstream: its base URL and key, its prices by model, and the wire formats that it speaks."""

    upstream: Upstream
    prices: Mapping[str, Price]
    dialects: frozenset[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """The configuration of this Worker. Fields in ``_ms`` are in milliseconds.

    ``settings.table.SETTINGS`` explains the fields that are not listed here.

    Attributes:
        upstream: OpenRouter, with the gateway's key.
        default_chain: ``DEFAULT_MODEL`` and its fallback models, without duplicates.
        all_origins: the origins of ``CORS_ORIGINS`` and of all keys. A page may be allowed with one key only.
    """

    upstream: Upstream
    gateway_keys: tuple[GatewayKey, ...]
    default_chain: tuple[str, ...]
    task_routes: Mapping[str, TaskRoute]
    direct: Mapping[str, Direct]
    key_cache_s: int
    allow_client_keys: bool
    ledger_days: int
    ledger_rows: int
    unknown_price_usd: float
    budget_hold: str
    budget_reservations: bool
    coordination: str
    coordination_ms: int
    max_unsettled: int
    settle_per_run: int
    alert_webhook_url: str
    budget: Budget
    patience: str
    deadline_ms: int | None
    attempt_ms: int
    first_token_ms: int | None
    idle_ms: int | None
    max_wait_ms: int
    retries: int
    stream_guard_events: int | None
    watch_plain: bool
    max_attempts: int
    loop_limit: int
    site_url: str
    app_title: str
    cors_origins: tuple[str, ...]
    all_origins: frozenset[str]
    catalog_ttl_s: int
    max_body_bytes: int
    max_body_values: int
    max_audio_bytes: int
    max_answer_bytes: int
    cache_lookups: int
    idempotency_s: int
    open_on_loopback: bool

    def __repr__(self) -> str:
        return f"Settings(upstream={self.upstream!r}, gateway_keys=<{len(self.gateway_keys)}>)"

    @property
    def conditional_routes(self) -> tuple[TaskRoute, ...]:
        """The task routes that have conditions (``when``), in their order."""
        return tuple(route for route in self.task_routes.values() if route.when)

    def require_upstream_key(self) -> None:
        """Raise ``ConfigError`` if the gateway has no OpenRouter key."""
        if not self.upstream.api_key:
            raise ConfigError(
                "OPENROUTER_API_KEY", "is not set. Set it with `npx wrangler secret put OPENROUTER_API_KEY`."
            )

    def upstream_for(self, caller: Caller) -> Upstream:
        """Return OpenRouter with the key for a caller: its own if it sent one, else the gateway's."""
        if caller.own_key is None:
            return self.upstream
        return replace(self.upstream, api_key=caller.own_key, is_callers=True)

    @classmethod
    def from_env(cls, env: Env) -> "Settings":
        """Return the settings from ``env``; a setting that is missing or empty gets its default.

        Raises:
            ConfigError: a value is wrong. The message names the setting, never its value.
        """
        values = {name: _read(name, setting, env) for name, setting in SETTINGS.items()}
        fallback = "FALLBACK_MODELS" if values["FALLBACK_MODELS"] else "FALLBACK_MODEL"
        first, others = (str(values["DEFAULT_MODEL"]),), cast(tuple[str, ...], values[fallback])
        routes = cast(tuple[TaskRoute, ...], values["TASK_ROUTES"])
        direct = {
            each.name: _with_key(each, env) for each in cast(tuple[DirectUpstream, ...], values["UPSTREAMS"])
        }
        tasks = {route.name for route in routes}
        _check_names("DEFAULT_MODEL", first, direct, tasks)
        _check_names(fallback, others, direct, tasks)
        for route in routes:
            _check_names("TASK_ROUTES", route.models, direct, tasks)
        keys = cast(tuple[GatewayKey, ...], values["GATEWAY_KEYS"])
        origins = joined.from_iterable(key.origins or () for key in keys)
        plain = {name.lower(): value for name, value in values.items() if name not in DERIVED}
        if plain["coordination"] == "strict":
            plain["budget_hold"] = "worst"  # an estimate can be exceeded
        return cls(
            upstream=Upstream(
                base_url=str(values["OPENROUTER_BASE_URL"]), api_key=str(values["OPENROUTER_API_KEY"])
            ),
            gateway_keys=keys,
            all_origins=frozenset((*cast(tuple[str, ...], values["CORS_ORIGINS"]), *origins)),
            default_chain=tuple(dict.fromkeys(first + others)),
            task_routes=MappingProxyType({route.name: route for route in routes}),
            direct=MappingProxyType(direct),
            budget=Budget(
                day_micros=_micros(values["BUDGET_DAY_USD"]), month_micros=_micros(values["BUDGET_MONTH_USD"])
            ),
            **plain,  # type: ignore[arg-type]  # the fields match the table; a test compares the two
        )


# Settings that do not have a field of the same name.
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
        "BUDGET_DAY_USD",
        "BUDGET_MONTH_USD",
    }
)


def _read(name: str, setting: Setting, env: Env) -> Value:
    try:
        return setting.parse((env(name) or "").strip() or setting.default)
    except ValueError as error:
        raise ConfigError(name, str(error)) from None


def _micros(usd: Value) -> int | None:
    """Return the amount of a budget in micro-dollars; None for 0, which means no budget."""
    return round(cast(float, usd) * MICROS) or None


def _with_key(declared: DirectUpstream, env: Env) -> Direct:
    """Return a direct upstream with the key from its secret.

    Raises:
        ConfigError: the secret is not set, or it is one of the gateway's own settings.
    """
    if declared.secret in SETTINGS:
        raise ConfigError("UPSTREAMS", f"must not send {declared.secret} to `{declared.name}`")
    key = _read_secret(declared.secret, env) if declared.secret else ""
    upstream = Upstream(
        base_url=declared.base_url, api_key=key, name=declared.name, key_header=declared.key_header
    )
    return Direct(upstream=upstream, prices=declared.prices, dialects=declared.dialects)


def _read_secret(name: str, env: Env) -> str:
    try:
        key = as_header_text(env(name) or "")
    except ValueError as error:
        raise ConfigError(name, str(error)) from None
    if not key:
        raise ConfigError(
            name, f"is not set. Set it with `npx wrangler secret put {name}`, or locally in .dev.vars."
        )
    return key


def _check_names(
    setting: str, models: Iterable[str], direct: Mapping[str, Direct], tasks: Collection[str]
) -> None:
    """Raise ``ConfigError`` if a model's name has an upstream or a task that does not exist."""
    for model in models:
        parts = split_direct(model)
        if parts is not None and (parts[0] not in direct or not parts[1]):
            raise ConfigError(
                setting, "has a `direct:NAME/MODEL` without MODEL, or whose NAME is not in UPSTREAMS"
            )
        if model.startswith(PREFIX) and model not in tasks:
            raise ConfigError(setting, "names a task route that does not exist")
