"""The token counts of an answer."""

from collections.abc import Iterable
from dataclasses import field

from gateway.http.frozen import dataclass
from gateway.http.json_values import JsonObject, number_or_none, object_or_empty


@dataclass(frozen=True, slots=True, kw_only=True)
class Tokens:
    """An answer's token counts by kind; ``reasoning`` is part of ``completion``, ``cached`` of ``prompt``.

    Attributes:
        are_stated: whether the usage states both the prompt's and the completion's tokens.
    """

    prompt: int = 0
    completion: int = 0
    reasoning: int = 0
    cached: int = 0
    are_stated: bool = field(default=False, compare=False)


# No answer has more tokens or costs more. A larger value is an error and must not distort the sums.
MAX_TOKENS = 1_000_000_000


def tokens_in(counts: JsonObject, name: str) -> int:
    """Return the token count under a name, from 0 to ``MAX_TOKENS``; 0 if the value is not a number."""
    count = counts.get(name)
    if type(count) is int and 0 <= count <= MAX_TOKENS:  # the common case; excludes bool
        return count
    return int(min(MAX_TOKENS, max(0.0, number_or_none(count) or 0.0)))


def are_stated(usage: JsonObject, names: Iterable[str]) -> bool:
    """Return whether a usage has a number under each of these names."""
    return all(number_or_none(usage.get(name)) is not None for name in names)


def prompt_tokens_in(usage: JsonObject) -> Tokens:
    """Return the tokens of a request whose answer has none: its prompt's, else those in all."""
    name = "prompt_tokens" if usage.get("prompt_tokens") is not None else "total_tokens"
    return Tokens(prompt=tokens_in(usage, name), are_stated=are_stated(usage, (name,)))


def tokens_of_data(usage: JsonObject, names: tuple[str, str]) -> Tokens:
    """Return the counts under the names of the prompt's and the answer's tokens, without details."""
    prompt, completion = (tokens_in(usage, name) for name in names)
    return Tokens(prompt=prompt, completion=completion, are_stated=are_stated(usage, names))


_COUNTS = ("prompt_tokens", "completion_tokens")


def tokens_of_text(usage: JsonObject) -> Tokens:
    """Return the token counts in a usage of OpenAI's form."""
    return Tokens(
        prompt=tokens_in(usage, "prompt_tokens"),
        completion=tokens_in(usage, "completion_tokens"),
        reasoning=tokens_in(object_or_empty(usage.get("completion_tokens_details")), "reasoning_tokens"),
        cached=tokens_in(object_or_empty(usage.get("prompt_tokens_details")), "cached_tokens"),
        are_stated=are_stated(usage, _COUNTS),
    )
