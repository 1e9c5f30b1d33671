"""Rules for the fields of a request: each has a test, a description and a JSON Schema."""

import re
from collections.abc import Callable

from gateway.faults.policy import RULES
from gateway.http.frozen import dataclass
from gateway.http.json_values import Json, JsonObject, number_or_none, whole_or_none
from gateway.settings.parse_value import is_model_name

# 50 names of tasks with 20 models each.
MAX_WEIGHTS = 1_000
BILLION = 1_000_000_000  # bounds the numbers that cost estimates calculate with


def _as_it_is(value: Json) -> Json:
    return value


@dataclass(frozen=True, slots=True)
class FieldRule:
    """The rule for one field. ``null`` counts as absent.

    Attributes:
        test: returns whether a value that is not ``null`` obeys the rule.
        expected: the rule in words, for the error message.
        schema: the rule in JSON Schema, for the OpenAPI document.
        read: returns a value that passed the test in its Python type: 1024.0 as an int, if the rule is for
            whole numbers.
    """

    test: Callable[[Json], bool]
    expected: str
    schema: JsonObject
    read: Callable[[Json], Json] = _as_it_is


def _is_number(value: Json) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _is_within(value: Json, minimum: int, maximum: int) -> bool:
    number = whole_or_none(value)
    return number is not None and minimum <= number <= maximum


def between(minimum: int, maximum: int) -> FieldRule:
    """Return the rule for a whole number between two bounds, both included."""
    return FieldRule(
        lambda value: _is_within(value, minimum, maximum),
        f"a whole number from {minimum} to {maximum}",
        {"type": ["integer", "null"], "minimum": minimum, "maximum": maximum},
        whole_or_none,
    )


def list_of(minimum: int, maximum: int, what: str, items: JsonObject) -> FieldRule:
    """Return the rule for an array.

    Args:
        minimum: the smallest number of items.
        maximum: the largest number of items.
        what: the name of the items, for the error message.
        items: the JSON Schema of an item.
    """
    return FieldRule(
        lambda value: isinstance(value, list) and minimum <= len(value) <= maximum,
        f"an array of {minimum} to {maximum} {what}",
        {"type": ["array", "null"], "minItems": minimum, "maxItems": maximum, "items": items},
    )


def one_of(*words: str) -> FieldRule:
    """Return the rule for a value that must be one of these words."""
    expected = " or ".join(f'"{word}"' for word in words)
    return FieldRule(lambda value: value in words, expected, {"enum": [*words, None]})


def of_types(kinds: tuple[type, ...], expected: str, *names: str) -> FieldRule:
    """Return the rule for a value of these Python types; ``names`` are the types in JSON Schema."""
    return FieldRule(lambda value: isinstance(value, kinds), expected, {"type": [*names, "null"]})


ONE_OR_MORE = FieldRule(
    lambda value: _is_within(value, 1, BILLION - 1),
    "a whole number from 1 on, of at most nine digits",
    {"type": ["integer", "null"], "minimum": 1, "exclusiveMaximum": BILLION},
    whole_or_none,
)
NUMBER = FieldRule(_is_number, "a number", {"type": ["number", "null"]})
WHOLE = FieldRule(
    lambda value: whole_or_none(value) is not None,
    "a whole number",
    {"type": ["integer", "null"]},
    whole_or_none,
)
COUNT = FieldRule(
    lambda value: _is_within(value, 1 - BILLION, BILLION - 1),
    "a whole number of at most nine digits",
    {"type": ["integer", "null"], "exclusiveMinimum": -BILLION, "exclusiveMaximum": BILLION},
    whole_or_none,
)
FLAG = of_types((bool,), "true or false", "boolean")
TEXT = of_types((str,), "a string", "string")
LIST = of_types((list,), "an array", "array")
OBJECT = of_types((dict,), "an object", "object")
TEXT_OR_LIST = of_types((str, list), "a string or an array", "string", "array")
TEXT_OR_OBJECT = of_types((str, dict), "a string or an object", "string", "object")
MODEL = FieldRule(
    lambda value: isinstance(value, str) and is_model_name(value),
    "a model's name: printable ASCII without spaces, at most 256 characters",
    {"type": ["string", "null"], "pattern": "^[!-~]{1,256}$"},
)
_SPACE = r"[!-~]{1,249}/[1-9][0-9]{0,5}"
SPACE = FieldRule(
    lambda value: isinstance(value, str) and re.fullmatch(_SPACE, value) is not None,
    "a model's name, a slash, and the number of dimensions, such as openai/text-embedding-3-small/1536",
    {"type": ["string", "null"], "pattern": f"^{_SPACE}$"},
)
ABOVE_ZERO = FieldRule(
    lambda value: (number_or_none(value) or 0) > 0,
    "a number above 0",
    {"type": ["number", "null"], "exclusiveMinimum": 0},
)
# Fault codes. Every code of the table fits in the list; docs/errors.md explains them.
MAX_CODES = 100
CODES = FieldRule(
    lambda value: (
        isinstance(value, list)
        and len(value) <= MAX_CODES
        and all(isinstance(each, str) and each in RULES for each in value)
    ),
    f"an array of at most {MAX_CODES} codes of upstream errors, such as `filtered_answer`",
    {"type": ["array", "null"], "maxItems": MAX_CODES, "items": {"enum": [*RULES]}},
)
WEIGHTS = FieldRule(
    lambda value: (
        isinstance(value, dict)
        and len(value) <= MAX_WEIGHTS
        and all((number := number_or_none(each)) is not None and number >= 0 for each in value.values())
    ),
    f"an object from at most {MAX_WEIGHTS} models to numbers, 0 or more",
    {
        "type": ["object", "null"],
        "maxProperties": MAX_WEIGHTS,
        "additionalProperties": {"type": "number", "minimum": 0},
    },
)
MODEL_ITEM: JsonObject = {"type": "string", "pattern": "^[!-~]{1,256}$"}
