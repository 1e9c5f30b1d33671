"""Reads what an operator sets for a task route or a key: ``gateway`` options, and the limits of a key.

Options apply to requests that do not set them themselves. Limits apply to all requests of a key.
"""

import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from gateway.http.json_values import Json, JsonObject, object_or_empty
from gateway.settings.caller import KeyLimits
from gateway.settings.field_rule import FLAG, FieldRule, between
from gateway.settings.options import OPTIONS
from gateway.settings.parse_value import is_model_name

# The options that an operator may set. Those that only the caller can decide are not among them.
SETTABLE = (
    "patience",
    "deadline_ms",
    "attempt_ms",
    "first_token_ms",
    "idle_ms",
    "max_wait_ms",
    "retries",
    "retry_first",
    "stop_on",
    "retry_billed",
    "on_midstream",
    "hedge_ms",
    "keepalive_ms",
    "max_cost_usd",
    "max_session_usd",
    "loop_limit",
    "strict",
    "check_json",
    "show_model",
    "allow_reasoning_only",
    "watch",
    "cache_ttl_s",
)


def as_options(value: Json) -> Mapping[str, Json]:
    """Return the options of a task route or a key, checked.

    Raises:
        ValueError: an option does not exist or is not settable, or its value is wrong. The message does not
            contain the value.
    """
    options: JsonObject = object_or_empty(value)
    if not isinstance(value, dict):
        raise ValueError("must have an object as `options`")  # noqa: TRY004  # parsers raise ValueError
    for name, option in options.items():
        if name not in SETTABLE:
            raise ValueError(f"must have only these `options`: {', '.join(SETTABLE)}")
        if not OPTIONS[name].test(option):
            raise ValueError(f"must have {OPTIONS[name].expected} as its option `{name}`")
    return MappingProxyType({name: OPTIONS[name].read(option) for name, option in options.items()})


_NAME = re.compile(r"[a-z][a-z0-9:_-]{0,63}")


def _names(value: Json) -> bool:
    return isinstance(value, list) and all(isinstance(each, str) and _NAME.fullmatch(each) for each in value)


def _models(value: Json) -> bool:
    return (
        isinstance(value, list)
        and bool(value)
        and all(isinstance(each, str) and is_model_name(each) for each in value)
    )


# The ceilings that a key may have, see ``KeyLimits``.
LIMITS: Mapping[str, FieldRule] = MappingProxyType({
    "max_cost_usd": OPTIONS["max_cost_usd"],
    "max_session_usd": OPTIONS["max_session_usd"],
    "loop_limit": between(1, 1_000),
    "strict": FLAG,
    "max_tokens": between(1, 1_000_000_000),
    "retries": OPTIONS["retries"],
    "deadline_ms": OPTIONS["deadline_ms"],
    "plugins": FieldRule(_names, "a list of names of plugins or server tools", {"type": "array"}),
    "models": FieldRule(_models, "a list of names of models and tasks, at least one", {"type": "array"}),
})  # fmt: skip  # one limit a line


def as_limits(value: Json) -> KeyLimits:
    """Return the limits of a key as they were set.

    Raises:
        ValueError: one is not a limit, or its value is wrong; the message does not contain the value.
    """
    fields = {name: each for name, each in object_or_empty(value).items() if each is not None}
    if not isinstance(value, dict):
        raise ValueError("must have an object of `limits`")  # noqa: TRY004  # parsers raise ValueError
    for name, limit in fields.items():
        if name not in LIMITS:
            raise ValueError(f"must have no limits but {', '.join(LIMITS)}")
        if not LIMITS[name].test(limit):
            raise ValueError(f"must have as its limit `{name}` {LIMITS[name].expected}")
    read: dict[str, Any] = {name: LIMITS[name].read(limit) for name, limit in fields.items()}
    for name, to in (("plugins", frozenset), ("models", tuple)):
        if name in read:
            read[name] = to(read[name])
    return KeyLimits(**read)


def show_limits(limits: KeyLimits) -> JsonObject:
    """Return the limits that are set, in the form in which ``as_limits`` reads them."""
    shown: JsonObject = {}
    for name in LIMITS:
        value = getattr(limits, name)
        if value is not None and value is not False:
            shown[name] = sorted(value) if isinstance(value, frozenset) else value
    if limits.models is not None:
        shown["models"] = [*limits.models]
    return shown
