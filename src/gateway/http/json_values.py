"""JSON values: their types, and how to read one without knowing what it is."""

from sys import float_info
from typing import TypeAlias

Json: TypeAlias = "bool | int | float | str | list[Json] | dict[str, Json] | None"


JsonObject: TypeAlias = dict[str, "Json"]


def object_or_empty(value: Json) -> JsonObject:
    """Return ``value`` if it is a JSON object, else an empty one."""
    return value if isinstance(value, dict) else {}


def text_or_none(value: Json) -> str | None:
    """Return ``value`` if it is a string that holds anything, else None."""
    return value if isinstance(value, str) and value else None


def list_or_empty(value: Json) -> list[Json]:
    """Return ``value`` if it is a JSON array, else an empty one."""
    return value if isinstance(value, list) else []


def number_or_none(value: Json) -> float | None:
    """Return ``value`` if it is a JSON number that a float can hold and JSON can carry, else None."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return None
    return float(value) if -float_info.max <= value <= float_info.max else None
