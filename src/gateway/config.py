"""Settings: one table of what can be set, and ``Settings``, read once from it and checked.

Secrets come from ``wrangler secret put``; everything else from ``[vars]``, with a default that works.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from types import MappingProxyType

from gateway.casts import (
    Cast,
    Value,
    as_base_url,
    as_count_or_unlimited,
    as_flag,
    as_header_text,
    as_lines,
    as_model,
    as_models,
    as_whole,
    as_words,
)
from gateway.errors import ConfigError
from gateway.wire import Upstream


@dataclass(frozen=True, slots=True)
class Setting:
    """One row of the settings table: its default as it would be written, how it is read, what it means."""

    default: str
    cast: Cast
    meaning: str
    secret: bool = False


HOUR_MS = 3_600_000

SETTINGS: Mapping[str, Setting] = MappingProxyType(
    {
        "OPENROUTER_API_KEY": Setting(
            "", as_header_text, "OpenRouter's key. The only thing that must be set.", True
        ),
        "GATEWAY_KEYS": Setting(
            "",
            as_lines,
            "Who may call: `name:token`, one a line or comma-separated. Nobody without.",
            True,
        ),
        "DEFAULT_MODEL": Setting("openrouter/auto", as_model, "The model of a request that names none."),
        "FALLBACK_MODELS": Setting("", as_models, "What follows `DEFAULT_MODEL` in its chain, in order."),
        "FALLBACK_MODEL": Setting(
            "", as_models, "The same, for one model; read when `FALLBACK_MODELS` is empty."
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
class Settings:
    """What this Worker was told, cast and checked. Times are in milliseconds, as they were set."""

    upstream: Upstream
    gateway_keys: tuple[tuple[str, bytes], ...]
    default_chain: tuple[str, ...]
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
    def from_env(cls, env: Mapping[str, str]) -> "Settings":
        """Return the settings that ``env`` holds; what it lacks, or leaves empty, has its default.

        Raises:
            ConfigError: a value is wrong. Names the setting, never its value.
        """
        values = {name: _read(name, setting, env) for name, setting in SETTINGS.items()}
        fallbacks = values["FALLBACK_MODELS"] or values["FALLBACK_MODEL"]
        first = (str(values["DEFAULT_MODEL"]),)
        chain = tuple(dict.fromkeys(first + (fallbacks if isinstance(fallbacks, tuple) else ())))
        derived = {"OPENROUTER_API_KEY", "OPENROUTER_BASE_URL", "GATEWAY_KEYS", "DEFAULT_MODEL"}
        derived |= {"FALLBACK_MODELS", "FALLBACK_MODEL"}
        plain = {name.lower(): value for name, value in values.items() if name not in derived}
        return cls(
            upstream=Upstream(
                base_url=str(values["OPENROUTER_BASE_URL"]), api_key=str(values["OPENROUTER_API_KEY"])
            ),
            gateway_keys=_named_keys(values["GATEWAY_KEYS"]),
            default_chain=chain,
            **plain,  # type: ignore[arg-type]  # one to one with the table; a test compares the two
        )


def _read(name: str, setting: Setting, env: Mapping[str, str]) -> Value:
    try:
        return setting.cast((env.get(name) or "").strip() or setting.default)
    except ValueError as error:
        raise ConfigError(name, str(error)) from None


def _named_keys(lines: Value) -> tuple[tuple[str, bytes], ...]:
    """Return the name and the SHA-256 digest of the token of each line of ``GATEWAY_KEYS``."""
    keys = []
    for line in lines if isinstance(lines, tuple) else ():
        name, separator, token = line.partition(":")
        if not separator or not name.strip() or len(token.strip()) < MIN_TOKEN_CHARACTERS:
            raise ConfigError(
                "GATEWAY_KEYS",
                f"must hold `name:token` lines, each token of at least {MIN_TOKEN_CHARACTERS} characters",
            )
        keys.append((name.strip(), sha256(token.strip().encode()).digest()))
    return tuple(keys)


# Short tokens can be guessed, and this Worker spends money for whoever holds one.
MIN_TOKEN_CHARACTERS = 16
