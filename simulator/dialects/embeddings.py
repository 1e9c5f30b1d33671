"""Embeddings: `POST /embeddings`."""

import json
from collections.abc import Mapping
from typing import Any

from simulator.answers import Answer, Json
from simulator.asked import mappings
from simulator.catalog_plain import dimensions_of
from simulator.dialects.plain import Plain, lacks_text, tallied
from simulator.dialects.vectors import formed, vector_of
from simulator.steps import Tally
from simulator.turn import Turn, tokens_of

_FORMATS = (None, "float", "base64")
_MAX_DIMENSIONS = 16_384
_TOKENS_OF_A_FILE = 258


class Embeddings(Plain):
    """One vector for each input; it depends on the model and the input only."""

    path = "/embeddings"
    output = "embeddings"
    answer_field = "data"

    def complaint(self, body: Mapping[str, Any]) -> str | None:
        """Refuse a body without a model or inputs, and unknown formats."""
        if _inputs(body.get("input")) is None:
            return "input: Required" if "input" not in body else "input: Invalid input"
        dimensions = body.get("dimensions", 1)
        if type(dimensions) is not int or not 1 <= dimensions <= _MAX_DIMENSIONS:
            return f"dimensions: Expected an integer from 1 to {_MAX_DIMENSIONS}"
        if body.get("encoding_format") not in _FORMATS:
            return "encoding_format: Expected 'float' or 'base64'"
        return lacks_text(body, "model")

    def body(self, turn: Turn, answer: Answer) -> Json:
        """Return the vectors in the order of the inputs."""
        tokens = self.tally(turn, answer)
        usage = {
            "prompt_tokens": tokens.prompt_tokens,
            "total_tokens": tokens.prompt_tokens,
            "cost": tokens.cost_nano_usd / 1e9,
        }
        rows = _rows(turn) if answer.pieces else []
        return {"object": "list", "data": rows, "model": turn.model, "usage": usage, "id": turn.id}

    def tally(self, turn: Turn, _answer: Answer) -> Tally:
        """Return the tokens of all inputs."""
        return tallied(turn, sum(map(_tokens, _inputs(turn.body.get("input")) or ())))


EMBEDDINGS = Embeddings()


def text_of(item: object) -> str:
    """Return what identifies an input: a text itself, tokens or parts as JSON."""
    return item if isinstance(item, str) else json.dumps(item, separators=(",", ":"))


def _rows(turn: Turn) -> list[Json]:
    size = turn.body.get("dimensions") or dimensions_of(turn.model)
    as_base64 = turn.body.get("encoding_format") == "base64"
    vectors = (vector_of(turn.model, text_of(item), size) for item in _inputs(turn.body["input"]) or ())
    return [
        {"object": "embedding", "index": index, "embedding": formed(vector, as_base64=as_base64)}
        for index, vector in enumerate(vectors)
    ]


def _inputs(value: object) -> list[Any] | None:
    """Return the inputs one by one; None if the value is no valid input."""
    if isinstance(value, str):
        return [value] if value else None
    if not isinstance(value, list) or not value:
        return None
    if _are_tokens(value):
        return [value]
    return value if all(map(_is_text, value)) or all(map(_are_tokens, value)) or _are_parts(value) else None


def _is_text(item: object) -> bool:
    return isinstance(item, str) and item != ""


def _are_tokens(item: object) -> bool:
    return isinstance(item, list) and item != [] and all(type(token) is int for token in item)


def _are_parts(items: list[Any]) -> bool:
    return all(isinstance(item, dict) and mappings(item.get("content")) for item in items)


def _tokens(item: object) -> int:
    if isinstance(item, str):
        return tokens_of(len(item))
    if isinstance(item, list):
        return len(item)
    assert isinstance(item, dict)
    texts = [part.get("text") for part in mappings(item["content"])]
    return sum(tokens_of(len(text)) if isinstance(text, str) else _TOKENS_OF_A_FILE for text in texts)
