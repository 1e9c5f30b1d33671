"""Reads the choices of a completion and of its chunks."""

from gateway.http.json_values import Json, JsonObject, list_or_empty


def indexed_choices(payload: JsonObject) -> list[tuple[int, JsonObject]]:
    """Return the choices of a chunk with their indexes; a choice without a valid index has its position."""
    return [
        (index_of(choice.get("index"), position), choice)
        for position, choice in enumerate(list_or_empty(payload.get("choices")))
        if isinstance(choice, dict)
    ]


def said_in(choice: JsonObject, name: str) -> Json:
    """Return a choice's ``message`` or ``delta``; the answer to a prompt has only a text, which becomes one.

    Source: OpenRouter API reference, "Completions": ``choices[].text``.
    """
    said, text = choice.get(name), choice.get("text")
    return {"content": text} if said is None and isinstance(text, str) else said


MAX_INDEX = 1_000


def index_of(value: Json, default: int) -> int:
    """Return an index as a whole number from 0 to ``MAX_INDEX``; ``default`` if it is none."""
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) <= 4:
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 <= value <= MAX_INDEX:
        return default
    return int(value) if value == int(value) else default
