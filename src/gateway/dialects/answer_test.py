"""Defines what a plain (not streamed) answer must satisfy."""

from typing import Literal, TypeAlias

from gateway.http.frozen import dataclass

# The type that the JSON of an answer must have.
JsonRoot: TypeAlias = Literal["object", "array"]


class Expected:
    """What a dialect's own check must know of the request. A dialect with such a check has a subclass."""

    __slots__ = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class AnswerTest:
    """What a plain answer must satisfy, besides not being empty.

    Attributes:
        json: whether its text must be JSON.
        json_root: the type that the JSON must have; None for any.
        reasoning_only: whether reasoning without a text is accepted as an answer.
        expected: what the dialect's own check must know of the request; None if it has no such check.
    """

    json: bool
    json_root: JsonRoot | None = None
    reasoning_only: bool
    expected: Expected | None = None
