"""Reads ``when`` of a task route: the conditions under which it serves requests that name no task.

A condition is an object of ``FIELDS``. A request meets it if it meets all of its fields.
"""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import TypeAlias

from gateway.http.json_values import Json, list_or_empty, object_or_empty, whole_or_none
from gateway.settings.parse_value import is_model_name

Condition: TypeAlias = Mapping[str, Json]

MAX_CONDITIONS = 20
MAX_WORDS = 20
MAX_WORD_CHARACTERS = 64
MAX_TOKENS = 1_000_000_000


def as_conditions(value: Json) -> tuple[Condition, ...]:
    """Return the conditions in ``when``: one object, or a list of which one must be met.

    Raises:
        ValueError: it is wrong; the message names the field, and does not contain its value.
    """
    conditions = value if isinstance(value, list) else [value]
    if not 1 <= len(conditions) <= MAX_CONDITIONS:
        raise ValueError(f"must have an object as `when`, or a list of 1 to {MAX_CONDITIONS} objects")
    return tuple(_condition(each) for each in conditions)


def _is_word(text: str) -> bool:
    """Return whether a text can be a word of a condition: printable ASCII, not too long, not empty."""
    return 0 < len(text) <= MAX_WORD_CHARACTERS and text.isascii() and text.isprintable()


def _condition(value: Json) -> Condition:
    fields = {name: each for name, each in object_or_empty(value).items() if each is not None}
    if not fields or not fields.keys() <= FIELDS.keys():
        raise ValueError(f"must have in `when` at least one of {', '.join(FIELDS)}, and nothing else")
    read: dict[str, Json] = {name: FIELDS[name](f"when.{name}", each) for name, each in fields.items()}
    over, under = whole_or_none(read.get(OVER)), whole_or_none(read.get(UNDER))
    if over is not None and under is not None and under - over <= 1:
        raise ValueError(f"must have a number of tokens between `when.{OVER}` and `when.{UNDER}`")
    return MappingProxyType(read)


def _words(name: str, value: Json) -> Json:
    expected = f"a word as `{name}`, or a list of 1 to {MAX_WORDS}: printable ASCII"
    return _texts(value, _is_word, f"{expected}, at most {MAX_WORD_CHARACTERS} characters")


def _patterns(name: str, value: Json) -> Json:
    expected = f"a model's name as `{name}`, or a list of 1 to {MAX_WORDS}"
    return _texts(value, is_model_name, f"{expected}; * stands for any characters")


def _texts(value: Json, test: Callable[[str], bool], expected: str) -> Json:
    texts = [value] if isinstance(value, str) else list_or_empty(value)
    stripped: list[Json] = [text.strip() for text in texts if isinstance(text, str) and test(text.strip())]
    if not 1 <= len(texts) <= MAX_WORDS or len(stripped) < len(texts):
        raise ValueError(f"must have {expected}")
    return stripped


def _tokens(name: str, value: Json) -> Json:
    tokens = whole_or_none(value)
    if tokens is None or not 0 <= tokens <= MAX_TOKENS:
        raise ValueError(f"must have a whole number from 0 to {MAX_TOKENS} as `{name}`")
    return tokens


OVER, UNDER = "prompt_tokens_over", "prompt_tokens_under"
# The fields of a condition, each with the parser of its value.
FIELDS: Mapping[str, Callable[[str, Json], Json]] = MappingProxyType(
    {"request_class": _words, "agent_type": _words, "model": _patterns, OVER: _tokens, UNDER: _tokens}
)
