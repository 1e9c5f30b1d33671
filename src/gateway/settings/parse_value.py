"""How a setting's text is read; each cast raises ``ValueError`` in words that do not hold the value."""

import json
import re
from collections.abc import Callable
from typing import TypeAlias
from urllib.parse import urlsplit

from gateway.http.json_bytes import distinct_object
from gateway.http.json_values import Json, JsonObject

_MODEL_NAME = re.compile(r"[!-~]{1,256}")
_ORIGIN = re.compile(r"\*|[a-z][a-z0-9+.-]*://[^/?#@*\s]+")
_DEFAULT_PORT = re.compile(r"https://.*:443|http://.*:80")
LOOPBACK_HOSTS = frozenset({"localhost", "127.0.0.1", "::1", "[::1]"})

HOUR_MS = 3_600_000
MIN_BUDGET_USD = 0.000_001
MAX_BUDGET_USD = 1_000_000_000.0
BUDGETS = "0, or from 0.000001 to 1000000000"

Value: TypeAlias = str | int | float | bool | tuple[object, ...] | None
ParseValue: TypeAlias = Callable[[str], Value]


def is_model_name(name: str) -> bool:
    """Return whether a model may be called so: its name travels in headers too."""
    return bool(_MODEL_NAME.fullmatch(name))


def as_model(raw: str) -> str:
    """Return a model's name."""
    name = raw.strip()
    if not is_model_name(name):
        raise ValueError("must be a model's name: printable ASCII without spaces, at most 256 characters")
    return name


def as_models(raw: str) -> tuple[str, ...]:
    """Return models' names, separated by commas or blanks."""
    return tuple(as_model(word) for word in as_words(raw))


def as_header_text(raw: str) -> str:
    """Return a text that may stand in a header."""
    text = raw.strip()
    if not all(" " <= character <= "~" for character in text):
        raise ValueError("must be printable ASCII: it is sent as a header")
    return text


def read_json(raw: str) -> Json:
    """Return what JSON holds.

    Raises:
        ValueError: it is none, or names something twice in one object.
    """
    value: Json = json.loads(raw, object_pairs_hook=distinct_object)
    return value


def as_object(raw: str) -> JsonObject:
    """Return a JSON object; an empty text is an empty one."""
    try:
        value = read_json(raw or "{}")
    except (ValueError, RecursionError):  # its own words may hold the value
        raise ValueError("must be JSON, and name nothing twice in one object") from None
    if not isinstance(value, dict):
        raise ValueError("must be a JSON object")  # noqa: TRY004  # casts raise ValueError
    return value


def as_origin(raw: str) -> str:
    """Return a web page's origin as browsers send it, or ``*``. Source: Fetch standard, "Origin" header."""
    origin = raw.strip().lower()
    if not _ORIGIN.fullmatch(origin) or _DEFAULT_PORT.fullmatch(origin):
        raise ValueError(
            "must hold origins as browsers send them, such as https://app.example or http://localhost:5173 "
            "(no path, no default port, no wildcard in a name), or *"
        )
    return origin


def as_origins(raw: str) -> tuple[str, ...]:
    """Return origins, separated by commas or blanks."""
    return tuple(as_origin(word) for word in as_words(raw))


def as_words(raw: str) -> tuple[str, ...]:
    """Return words, separated by commas or blanks."""
    return tuple(word for word in raw.replace("\n", ",").replace(",", " ").split() if word)


def as_lines(raw: str) -> tuple[str, ...]:
    """Return lines, separated by line ends or commas."""
    return tuple(line.strip() for line in raw.replace(",", "\n").splitlines() if line.strip())


def as_flag(raw: str) -> bool:
    """Return true or false."""
    choices = {"true": True, "1": True, "false": False, "0": False, "": False}
    try:
        return choices[raw.strip().lower()]
    except KeyError:
        raise ValueError("must be true or false") from None


def as_count_or_unlimited(raw: str) -> int | None:
    """Return a whole number, or None for `unlimited`."""
    return None if raw.strip().lower() == "unlimited" else as_whole(0, 1_000_000)(raw)


def as_whole(minimum: int, maximum: int) -> Callable[[str], int]:
    """Return a cast to a whole number between the two bounds, both included."""

    def cast(raw: str) -> int:
        text = raw.strip()
        if not (text.isascii() and text.isdigit() and minimum <= int(text) <= maximum):
            raise ValueError(f"must be a whole number from {minimum} to {maximum}")
        return int(text)

    return cast


def is_budget(usd: float) -> bool:
    """Return whether a budget may be so much: 0, or what whole micro-dollars and JSON's numbers can say."""
    return usd == 0 or MIN_BUDGET_USD <= usd <= MAX_BUDGET_USD


def as_budget_usd(raw: str) -> float:
    """Return the amount of a budget."""
    try:
        usd = float(raw.strip())
    except ValueError:
        raise ValueError("must be an amount in USD") from None
    if not is_budget(usd):
        raise ValueError(f"must be an amount in USD: {BUDGETS}")
    return usd


def as_webhook(raw: str) -> str:
    """Return a URL to post to, or an empty text."""
    url = raw.strip()
    if url:
        as_base_url(url.partition("?")[0])
    return url


def as_base_url(raw: str) -> str:
    """Return a URL without a slash at its end: HTTPS, unless its host is loopback."""
    url = raw.strip().rstrip("/")
    try:
        parts = urlsplit(url)
        is_plain = all("!" <= character <= "~" for character in url) and (parts.port or 1) > 0
    except ValueError:  # its own words may hold the value
        raise ValueError("must be an https:// URL") from None
    loopback = (parts.hostname or "") in LOOPBACK_HOSTS
    if (
        parts.scheme not in ({"https", "http"} if loopback else {"https"})
        or not parts.hostname
        or not is_plain
    ):
        raise ValueError("must be an https:// URL (http:// for a loopback host only)")
    if parts.username or parts.password or "?" in url or "#" in url:
        raise ValueError("must not hold credentials, a query or a fragment")
    return url
