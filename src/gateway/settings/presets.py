"""Reads the ``gateway`` options that an operator sets for a task route or a key.

They apply to requests that do not set the options themselves.
"""

from collections.abc import Mapping
from types import MappingProxyType

from gateway.http.json_values import Json, JsonObject, object_or_empty
from gateway.settings.options import OPTIONS

# The options that an operator may set. Those that only the caller can decide are not among them.
SETTABLE = (
    "deadline_ms",
    "attempt_ms",
    "first_token_ms",
    "idle_ms",
    "retries",
    "on_midstream",
    "hedge_ms",
    "keepalive_ms",
    "max_cost_usd",
    "strict",
    "check_json",
    "allow_reasoning_only",
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
    return MappingProxyType(options)
