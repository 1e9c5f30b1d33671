"""Legacy completions: `POST /completions`."""

from collections.abc import Iterator, Mapping
from typing import Any

from simulator.answers import Answer, Json
from simulator.asked import Asked, Said
from simulator.dialects.choices import Choices
from simulator.dialects.dialect import EMPTY_INPUT


class Completions(Choices):
    """OpenRouter's form of OpenAI's legacy completions: a prompt, and choices with a text."""

    path = "/completions"
    kind = "text_completion"
    chunk_kind = "text_completion"
    blank: Mapping[str, Any] = {"text": ""}
    silent = blank

    def complaint(self, body: Mapping[str, Any]) -> str | None:
        """Refuse a body without a prompt."""
        prompt = body.get("prompt")
        if prompt in ("", []):
            return EMPTY_INPUT
        return None if isinstance(prompt, str | list) else "prompt: Required"

    def asked(self, body: Mapping[str, Any]) -> Asked:
        """Return the prompt as what a user says; there are no tools."""
        return Asked((Said("user", str(body.get("prompt"))),))

    def choice(self, answer: Answer) -> Json:
        """Return the text, and the reasoning beside it."""
        return {"text": "".join(_spoken(answer)), "reasoning": "".join(answer.reasoning) or None}

    def pieces(self, answer: Answer) -> Iterator[Json]:
        """Yield the pieces of the reasoning and of the text."""
        yield from ({"reasoning": piece} for piece in answer.reasoning)
        yield from ({"text": piece} for piece in _spoken(answer))

    def spoken(self, piece: Mapping[str, Any]) -> Json:
        """Return the text; a chunk has no delta."""
        return {"logprobs": None, **piece}


COMPLETIONS = Completions()


def _spoken(answer: Answer) -> tuple[str, ...]:
    """Return the text; without one, a refusal or a tool's arguments are the text."""
    if answer.pieces:
        return answer.pieces
    return answer.tool.arguments if answer.tool else (answer.refusal,) if answer.refusal else ()
