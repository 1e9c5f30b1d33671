"""Finds out what an item of a Responses answer says: a message, reasoning, a call, or anything else."""

from gateway.http.json_values import Json, JsonObject, list_or_empty, object_or_empty, text_or_none

MESSAGE, REASONING = "message", "reasoning"
# Items that say nothing when they are added: their deltas do.
SILENT = frozenset({MESSAGE, REASONING})
_TEXTS = ("text", "refusal")
# Items without an answer for anybody: the model has only looked at what it may call.
_NO_ANSWER = frozenset({REASONING, "mcp_list_tools"})


def kind_of(item: Json) -> str | None:
    """Return the type of an item; None if it has none."""
    return text_or_none(object_or_empty(item).get("type"))


def is_call(kind: str) -> bool:
    """Return whether items of this type are calls of a tool, the caller's or another."""
    return kind.endswith("_call")


def says(item: JsonObject) -> bool:
    """Return whether an item has content. White space alone is none."""
    kind = kind_of(item)
    if kind == MESSAGE:
        return any(map(_part_says, list_or_empty(item.get("content"))))
    if kind == REASONING:
        parts = [*list_or_empty(item.get("summary")), *list_or_empty(item.get("content"))]
        return bool(item.get("encrypted_content")) or any(map(_part_says, parts))
    return kind is not None


def answers(item: JsonObject) -> bool:
    """Return whether an item is an answer: it says something, and is more than reasoning."""
    return kind_of(item) not in _NO_ANSWER and says(item)


def _part_says(part: Json) -> bool:
    fields = object_or_empty(part)
    texts = [text for name in _TEXTS if isinstance(text := fields.get(name), str)]
    if texts:
        return any(text and not text.isspace() for text in texts)
    return isinstance(fields.get("type"), str)


def output_of(response: JsonObject) -> list[JsonObject]:
    """Return the items of a response that are objects."""
    return [object_or_empty(item) for item in list_or_empty(response.get("output")) if isinstance(item, dict)]


def text_of(items: list[JsonObject]) -> str | None:
    """Return the text of all messages; None if there is none."""
    texts = [
        text
        for item in items
        if item.get("type") == MESSAGE
        for part in list_or_empty(item.get("content"))
        if isinstance(text := object_or_empty(part).get("text"), str)
    ]
    return "".join(texts) if texts else None
