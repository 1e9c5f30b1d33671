"""Settings: one table of what can be set, and ``Settings``, read once from it and checked.

Secrets come from ``wrangler secret put``; everything else from ``[vars]``, with a default that works.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from hashlib import sha256
from types import MappingProxyType
from typing import TypeAlias
from urllib.parse import urlsplit

from gateway.errors import ConfigError
from gateway.wire import Upstream

_MODEL_NAME = re.compile(r"[!-~]{1,256}")
LOOPBACK_HOSTS = frozenset({"localhost", "127.0.0.1", "::1", "[::1]"})

Value: TypeAlias = str | int | bool | tuple[str, ...] | None
Cast: TypeAlias = Callable[[str], Value]


def is_model_name(name: str) -> bool:
    """Return whether a model may be called so: its name travels in headers too."""
    return bool(_MODEL_NAME.fullmatch(name))


def _model(raw: str) -> str:
    name = raw.strip()
    if not is_model_name(name):
        raise ValueError("must be a model's name: printable ASCII without spaces, at most 256 characters")
    return name


def _models(raw: str) -> tuple[str, ...]:
    return tuple(_model(word) for word in _words(raw))


def _header_text(raw: str) -> str:
    text = raw.strip()
    if not all(" " <= character <= "~" for character in text):
        raise ValueError("must be printable ASCII: it is sent as a header")
    return text


def _words(raw: str) -> tuple[str, ...]:
    return tuple(word for word in raw.replace("\n", ",").replace(",", " ").split() if word)


def _lines(raw: str) -> tuple[str, ...]:
    return tuple(line.strip() for line in raw.replace(",", "\n").splitlines() if line.strip())


def _flag(raw: str) -> bool:
    choices = {"true": True, "1": True, "false": False, "0": False, "": False}
    try:
        return choices[raw.strip().lower()]
    except KeyError:
        raise ValueError("must be true or false") from None


def _count_or_unlimited(raw: str) -> int | None:
    return None if raw.strip().lower() == "unlimited" else whole(0, 1_000_000)(raw)


def whole(minimum: int, maximum: int) -> Callable[[str], int]:
    """Return a cast to a whole number between the two bounds, both included."""

    def cast(raw: str) -> int:
        text = raw.strip()
        if not (text.isascii() and text.isdigit() and minimum <= int(text) <= maximum):
            raise ValueError(f"must be a whole number from {minimum} to {maximum}")
        return int(text)

    return cast


def _base_url(raw: str) -> str:
    url = raw.strip().rstrip("/")
    try:
        parts = urlsplit(url)
    except ValueError:  # its own words may hold the value
        raise ValueError("must be an https:// URL") from None
    loopback = (parts.hostname or "") in LOOPBACK_HOSTS
    if parts.scheme not in ({"https", "http"} if loopback else {"https"}) or not parts.hostname:
        raise ValueError("must be an https:// URL (http:// for a loopback host only)")
    if parts.username or parts.password or "?" in url or "#" in url:
        raise ValueError("must not hold credentials, a query or a fragment")
    return url


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
            "", _header_text, "OpenRouter's key. The only thing that must be set.", True
        ),
        "GATEWAY_KEYS": Setting(
            "", _lines, "Who may call: `name:token`, one a line (or comma-separated). None: nobody may.", True
        ),
        "DEFAULT_MODEL": Setting("openrouter/auto", _model, "The model of a request that names none."),
        "FALLBACK_MODELS": Setting("", _models, "What follows `DEFAULT_MODEL` in its chain, in order."),
        "FALLBACK_MODEL": Setting(
            "", _models, "The same, for one model; read when `FALLBACK_MODELS` is empty."
        ),
        "OPENROUTER_BASE_URL": Setting(
            "https://openrouter.ai/api/v1", _base_url, "The upstream. HTTPS, unless its host is loopback."
        ),
        "DEADLINE_MS": Setting("240000", whole(1, HOUR_MS), "The whole chain, until a model has committed."),
        "ATTEMPT_MS": Setting(
            "0",
            whole(0, HOUR_MS),
            "One attempt, until it commits. 0: what is left, shared by the models left.",
        ),
        "FIRST_TOKEN_MS": Setting(
            "60000", whole(1, HOUR_MS), "A stream's first progress: text, reasoning, tool call."
        ),
        "IDLE_MS": Setting("60000", whole(1, HOUR_MS), "Between progress, once a stream has committed."),
        "STREAM_GUARD_EVENTS": Setting(
            "unlimited",
            _count_or_unlimited,
            "How many events of a committed stream are watched before the rest passes unseen, at next to "
            "no cost. 0 suits the free plan: a stream that breaks off then just ends.",
        ),
        "RETRIES": Setting(
            "1", whole(0, 10), "Further tries of one model, where that is worth more than the next."
        ),
        "SITE_URL": Setting(
            "", _header_text, "Sent as `HTTP-Referer`: who this app is, for OpenRouter's rankings."
        ),
        "APP_TITLE": Setting("", _header_text, "Sent as `X-OpenRouter-Title` and `X-Title`."),
        "CORS_ORIGINS": Setting("", _words, "Origins whose pages may call, or `*`. None: no browser may."),
        "MAX_BODY_BYTES": Setting("10485760", whole(1, 100_000_000), "The largest request body."),
        "OPEN_ON_LOOPBACK": Setting(
            "false",
            _flag,
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
