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


def whole_or_none(value: Json) -> int | None:
    """Return ``value`` as an int if it is a whole number, however it is written, else None.

    Source: JSON Schema 2020-12, Validation, 6.1.1: an integer is a number without a fraction, such as 1024.0.
    """
    if isinstance(value, int):
        return None if isinstance(value, bool) else value
    return int(value) if isinstance(value, float) and value.is_integer() else None


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
