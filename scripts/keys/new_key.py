"""What a key is made of: a token, its digest, and the fields that make's variables set."""

import secrets
from collections.abc import Callable, Mapping
from hashlib import sha256
from types import MappingProxyType

from gateway.http.json_values import Json, JsonObject
from gateway.memory.stored_keys import TOKEN_PREFIX
from gateway.settings.key_fields import as_key_name, read_fields
from gateway.settings.parse_value import as_budget_usd, as_flag, as_whole, as_words
from scripts.wrangler import StepError

_COUNT = as_whole(1, 999_999_999)


def _words(raw: str) -> list[Json]:
    return [*as_words(raw)]


# The variables that set a field of a key: the path of the field, and the parser.
VARIABLES: Mapping[str, tuple[tuple[str, ...], Callable[[str], Json]]] = MappingProxyType(
    {
        "MODELS": (("models",), _words),
        "ADMIN": (("admin",), as_flag),
        "EXPIRES": (("expires",), str),
        "BUDGET_DAY": (("budget", "day_usd"), as_budget_usd),
        "BUDGET_MONTH": (("budget", "month_usd"), as_budget_usd),
        "PER_MINUTE": (("per_minute",), _COUNT),
        "CONCURRENT": (("concurrent",), _COUNT),
        "ORIGINS": (("origins",), _words),
        "MAX_COST": (("limits", "max_cost_usd"), as_budget_usd),
        "MAX_SESSION": (("limits", "max_session_usd"), as_budget_usd),
        "MAX_TOKENS": (("limits", "max_tokens"), _COUNT),
    }
)


def new_token() -> str:
    """Return a token of 256 random bits, in the form that gateways make themselves."""
    return TOKEN_PREFIX + secrets.token_hex(32)


def name_in(environ: Mapping[str, str]) -> str:
    """Return the variable NAME.

    Raises:
        StepError: it is not set, or no key can have this name.
    """
    try:
        return as_key_name(environ.get("NAME", ""))
    except ValueError as error:
        raise StepError(f"NAME=app1 is missing or wrong: it {error}") from None


def fields_in(environ: Mapping[str, str]) -> JsonObject:
    """Return the fields of a key that the variables set.

    Raises:
        StepError: a value is wrong; the message names the variable.
    """
    fields: JsonObject = {}
    for variable, (path, parse) in VARIABLES.items():
        raw = environ.get(variable, "").strip()
        if not raw:
            continue
        try:
            value = parse(raw)
            _set(fields, path, value)
            read_fields(fields)
        except ValueError as error:
            raise StepError(f"{variable} is wrong: it {error}") from None
    return fields


def _set(fields: JsonObject, path: tuple[str, ...], value: Json) -> None:
    *outer, last = path
    for name in outer:
        inner = fields.setdefault(name, {})
        assert isinstance(inner, dict)
        fields = inner
    fields[last] = value


def entry_of(name: str, token: str, fields: JsonObject) -> JsonObject:
    """Return a key as ``GATEWAY_KEYS`` has it: with the digest of its token."""
    return {"name": name, "sha256": sha256(token.encode()).hexdigest(), **fields}
