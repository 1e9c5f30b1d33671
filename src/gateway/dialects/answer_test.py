"""Defines what a plain (not streamed) answer must satisfy."""

from collections.abc import Sequence
from typing import Literal, Self, TypeAlias

from gateway.http.frozen import dataclass
from gateway.settings.options import Options

# The type that the JSON of an answer must have.
JsonRoot: TypeAlias = Literal["object", "array"]


class Expected:
    """What a dialect's own check must know of the request. A dialect with such a check has a subclass."""

    __slots__ = ()

    def for_models(self, models: Sequence[str], options: Options) -> Self:
        """Return what is expected of these models with these options.

        Args:
            models: all models that the request may call, those of task routes included.
            options: the options that apply, those of task routes and keys included.

        Raises:
            GatewayError: an answer of one of them could not stand for that of another, or is not wanted.
        """
        del models, options
        return self


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
