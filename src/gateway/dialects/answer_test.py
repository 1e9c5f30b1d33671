"""Defines what a plain (not streamed) answer must satisfy."""

from typing import Literal, TypeAlias

from gateway.http.frozen import dataclass

# The type that the JSON of an answer must have.
JsonRoot: TypeAlias = Literal["object", "array"]


@dataclass(frozen=True, slots=True, kw_only=True)
class AnswerTest:
    """What a plain answer must satisfy, besides not being empty.

    Attributes:
        json: whether its text must be JSON.
        json_root: the type that the JSON must have; None for any.
        reasoning_only: whether reasoning without a text is accepted as an answer.
    """

    json: bool
    json_root: JsonRoot | None = None
    reasoning_only: bool
