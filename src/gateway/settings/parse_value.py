"""Parsers for the text of settings.

Each raises ``ValueError`` if the text is wrong. The message does not contain the text.
"""

import json
import re
from collections.abc import Callable
from typing import TypeAlias
from urllib.parse import urlsplit

from gateway.http.json_bytes import distinct_object
from gateway.http.json_values import Json, JsonObject

_MODEL_NAME = re.compile(r"[!-~]{1,256}")
_ORIGIN = re.compile(r"\*|[a-z][a-z0-9+.-]*+://[^/?#@*\s]++")
_DEFAULT_PORTS = (("https://", ":443"), ("http://", ":80"))
LOOPBACK_HOSTS = frozenset({"localhost", "127.0.0.1", "::1", "[::1]"})

HOUR_MS = 3_600_000
MIN_BUDGET_USD = 0.000_001
MAX_BUDGET_USD = 1_000_000_000.0
BUDGETS = "0, or from 0.000001 to 1000000000"

Value: TypeAlias = str | int | float | bool | tuple[object, ...] | None
ParseValue: TypeAlias = Callable[[str], Value]


def is_model_name(name: str) -> bool:
    """Return whether a text is valid as a model's name. Names are sent in headers too."""
    return bool(_MODEL_NAME.fullmatch(name))


def as_model(raw: str) -> str:
    """Return a model's name."""
    name = raw.strip()
    if not is_model_name(name):
        raise ValueError("must be a model's name: printable ASCII without spaces, at most 256 characters")
    return name


def as_models(raw: str) -> tuple[str, ...]:
    """Return models' names, which are separated by commas or whitespace."""
    return tuple(as_model(word) for word in as_words(raw))


def as_header_text(raw: str) -> str:
    """Return a text that is valid as the value of a header."""
    text = raw.strip()
    if not all(" " <= character <= "~" for character in text):
        raise ValueError("must be printable ASCII, because it is sent in a header")
    return text


def read_json(raw: str) -> Json:
    """Return the value of a JSON text.

    Raises:
        ValueError: it is not JSON, or an object has duplicate names.
    """
    value: Json = json.loads(raw, object_pairs_hook=distinct_object)
    return value


def as_object(raw: str) -> JsonObject:
    """Return a JSON object; an empty text gives an empty object."""
    try:
        value = read_json(raw or "{}")
    except (ValueError, RecursionError):  # the original message may contain the value
        raise ValueError("must be JSON without duplicate names in one object") from None
    if not isinstance(value, dict):
        raise ValueError("must be a JSON object")  # noqa: TRY004  # parsers raise ValueError
    return value


def as_origin(raw: str) -> str:
    """Return the origin of a web page as browsers send it, or ``*``.

    Source: Fetch standard, "Origin" header.
    """
    origin = raw.strip().lower()
    has_default_port = any(
        origin.startswith(scheme) and origin.endswith(port) for scheme, port in _DEFAULT_PORTS
    )
    if has_default_port or not _ORIGIN.fullmatch(origin):
        raise ValueError(
            "must be origins as browsers send them, such as https://app.example or http://localhost:5173 "
            "(no path, no default port, no wildcard in a name), or *"
        )
    return origin


def as_origins(raw: str) -> tuple[str, ...]:
    """Return origins, which are separated by commas or whitespace."""
    return tuple(as_origin(word) for word in as_words(raw))


def as_words(raw: str) -> tuple[str, ...]:
    """Return words, which are separated by commas or whitespace."""
    return tuple(word for word in raw.replace("\n", ",").replace(",", " ").split() if word)


def as_lines(raw: str) -> tuple[str, ...]:
    """Return the lines that are not empty, without blanks around them. A comma ends a line too."""
    return tuple(line.strip() for line in raw.replace(",", "\n").splitlines() if line.strip())


def as_flag(raw: str) -> bool:
    """Return a flag from ``true``, ``1``, ``false``, ``0`` or an empty text, in any case."""
    choices = {"true": True, "1": True, "false": False, "0": False, "": False}
    try:
        return choices[raw.strip().lower()]
    except KeyError:
        raise ValueError("must be true or false") from None


def as_choice(*words: str) -> Callable[[str], str]:
    """Return a parser for one of some words, in any case."""

    def parse(raw: str) -> str:
        word = raw.strip().lower()
        if word not in words:
            raise ValueError(f"must be {' or '.join(words)}")
        return word

    return parse


def as_count_or_unlimited(raw: str) -> int | None:
    """Return a whole number from 0 to 1 000 000, or None for ``unlimited``."""
    return None if raw.strip().lower() == "unlimited" else as_whole(0, 1_000_000)(raw)


def as_whole(minimum: int, maximum: int) -> Callable[[str], int]:
    """Return a parser for a whole number between two bounds, both included."""

    def parse(raw: str) -> int:
        text = raw.strip()
        if not (text.isascii() and text.isdigit() and minimum <= int(text) <= maximum):
            raise ValueError(f"must be a whole number from {minimum} to {maximum}")
        return int(text)

    return parse


def as_ms_or_none(raw: str) -> int | None:
    """Return a time from 1 ms to an hour, in milliseconds; None for an empty text: no time is set."""
    return as_whole(1, HOUR_MS)(raw) if raw else None


def is_budget(usd: float) -> bool:
    """Return whether an amount is valid as a budget: 0, or an amount between the two bounds.

    The bounds are the limits of what whole micro-dollars and JSON numbers can represent.
    """
    return usd == 0 or MIN_BUDGET_USD <= usd <= MAX_BUDGET_USD


def as_budget_usd(raw: str) -> float:
    """Return the amount of a budget, in USD."""
    try:
        usd = float(raw.strip())
    except ValueError:
        raise ValueError("must be an amount in USD") from None
    if not is_budget(usd):
        raise ValueError(f"must be an amount in USD: {BUDGETS}")
    return usd


def as_webhook(raw: str) -> str:
    """Return the URL of a webhook, or an empty text. Unlike a base URL it may have a query."""
    url = raw.strip()
    if url:
        as_base_url(url.partition("?")[0])
    return url


def as_base_url(raw: str) -> str:
    """Return a base URL without a slash at its end. It must be HTTPS, unless its host is loopback."""
    url = raw.strip().rstrip("/")
    try:
        parts = urlsplit(url)
        is_plain = all("!" <= character <= "~" for character in url) and (parts.port or 1) > 0
    except ValueError:  # the original message may contain the value
        raise ValueError("must be an https:// URL") from None
    loopback = (parts.hostname or "") in LOOPBACK_HOSTS
    if (
        parts.scheme not in ({"https", "http"} if loopback else {"https"})
        or not parts.hostname
        or not is_plain
    ):
        raise ValueError("must be an https:// URL (http:// for a loopback host only)")
    if parts.username or parts.password or "?" in url or "#" in url:
        raise ValueError("must not contain credentials, a query or a fragment")
    return url
