"""Reads the fields of a key: one table for the keys of ``GATEWAY_KEYS`` and for those of the database."""

import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Any

from gateway.http.json_values import Json, JsonObject, list_or_empty, whole_or_none
from gateway.settings.budget import as_budget
from gateway.settings.parse_value import as_model, as_origin
from gateway.settings.presets import as_limits, as_options

# Prefixes of the names of callers without a gateway key, and the name for all callers together (``*``).
RESERVED = ("own-", "loopback", "*")
_NAME = re.compile(r"[A-Za-z0-9][\w.-]{0,63}", re.ASCII)


class KeyFieldError(ValueError):
    """A field of a key is wrong. The message does not contain its value.

    Attributes:
        field: the name of the field.
    """

    def __init__(self, field: str, problem: str) -> None:
        super().__init__(problem)
        self.field = field


def is_key_name(name: str) -> bool:
    """Return whether a text has the form of a key's name."""
    return _NAME.fullmatch(name) is not None


def unreserved(name: str) -> str:
    """Return a name; raise ``ValueError`` if no key may have it."""
    if name.startswith(RESERVED):
        raise ValueError(f"must not begin a key's name with one of {', '.join(RESERVED)}: they are reserved")
    return name


def as_key_name(value: Json) -> str:
    """Return the name of a key in JSON.

    Raises:
        ValueError: it is no name, or it is reserved. The message does not contain it.
    """
    if not isinstance(value, str) or not is_key_name(value):
        raise ValueError("must have a `name` of letters, digits, . _ and -")
    return unreserved(value)


def read_fields(fields: JsonObject) -> dict[str, Any]:
    """Return the optional fields of a key that are set: the attributes of ``keys.GatewayKey``.

    Raises:
        KeyFieldError: a field has a wrong value.
    """
    read = {}
    for name, (attribute, parse) in FIELDS.items():
        if fields.get(name) is None:
            continue
        try:
            read[attribute] = parse(fields[name])
        except ValueError as error:
            raise KeyFieldError(name, str(error)) from None
    return read


def _texts(value: Json, field_name: str) -> list[str]:
    texts = [each for each in list_or_empty(value) if isinstance(each, str)]
    if not isinstance(value, list) or not texts or len(texts) < len(value):
        raise ValueError(f"must have a list of at least one name as `{field_name}`")
    return texts


def _models(value: Json) -> tuple[str, ...]:
    return tuple(as_model(name) for name in _texts(value, "models"))


def _origins(value: Json) -> tuple[str, ...]:
    return tuple(as_origin(text) for text in _texts(value, "origins"))


def _flag(value: Json) -> bool:
    if not isinstance(value, bool):
        raise ValueError("must have true or false as `admin`")  # noqa: TRY004  # parsers raise ValueError
    return value


def _moment(value: Json) -> float:
    """Return a date or a time as Unix time; without a time zone it is UTC."""
    try:
        moment = datetime.fromisoformat(value if isinstance(value, str) else "")
    except ValueError:
        raise ValueError("must have a date or a time as `expires`, such as 2027-01-31") from None
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()


def _count(value: Json) -> int:
    count = whole_or_none(value)
    if count is None or count < 1:
        raise ValueError("must have whole numbers of 1 or more as `per_minute` and `concurrent`")
    return count


# The optional fields of a key in JSON: each with the attribute that it sets, and its parser.
FIELDS: Mapping[str, tuple[str, Callable[[Json], object]]] = MappingProxyType(
    {
        "models": ("models", _models),
        "admin": ("admin", _flag),
        "expires": ("expires_at_s", _moment),
        "budget": ("budget", as_budget),
        "per_minute": ("per_minute", _count),
        "concurrent": ("concurrent", _count),
        "options": ("options", as_options),
        "limits": ("limits", as_limits),
        "origins": ("origins", _origins),
    }
)
