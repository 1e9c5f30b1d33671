"""The types of JSON values, and functions that read a value whose type is unknown."""

from sys import float_info
from typing import TypeAlias

Json: TypeAlias = "bool | int | float | str | list[Json] | dict[str, Json] | None"
JsonObject: TypeAlias = dict[str, "Json"]


def object_or_empty(value: Json) -> JsonObject:
    """Return ``value`` if it is a JSON object, else an empty one."""
    return value if isinstance(value, dict) else {}


def text_or_none(value: Json) -> str | None:
    """Return ``value`` if it is a string and not empty, else None."""
    return value if isinstance(value, str) and value else None


def list_or_empty(value: Json) -> list[Json]:
    """Return ``value`` if it is a JSON array, else an empty one."""
    return value if isinstance(value, list) else []


def number_or_none(value: Json) -> float | None:
    """Return ``value`` as a float if it is a finite number that a float can hold, else None."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return None
    return float(value) if -float_info.max <= value <= float_info.max else None


def has_name(value: Json, name: str) -> bool:
    """Return whether an object within ``value``, at any depth, has a field of this name."""
    left = [value]
    while left:
        each = left.pop()
        if isinstance(each, dict):
            if name in each:
                return True
            left += each.values()
        elif isinstance(each, list):
            left += each
    return False
