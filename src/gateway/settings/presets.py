"""Options of ``gateway`` that an operator sets for a task route, or a key, for requests that have none."""

from collections.abc import Mapping
from types import MappingProxyType

from gateway.http.json_values import Json, JsonObject, object_or_empty
from gateway.settings.options import OPTIONS

# What the caller alone can know is not among them.
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
    """Return options as they were set.

    Raises:
        ValueError: one is not an option, or its value is wrong; in words that do not hold the value.
    """
    options: JsonObject = object_or_empty(value)
    if not isinstance(value, dict):
        raise ValueError("must have an object of `options`")  # noqa: TRY004  # casts raise ValueError
    for name, option in options.items():
        if name not in SETTABLE:
            raise ValueError(f"must have no options but {', '.join(SETTABLE)}")
        if not OPTIONS[name].test(option):
            raise ValueError(f"must have as its option `{name}` {OPTIONS[name].expected}")
    return MappingProxyType(options)
