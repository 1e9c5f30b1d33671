"""Decides whether items that are done are a complete answer, although their stream has no last event."""

from gateway.dialects.json_text import is_json
from gateway.dialects.responses.items import MESSAGE, answers, is_call, kind_of
from gateway.http.json_values import JsonObject

COMPLETED = "completed"
# Calls that run at the provider: the model goes on after each. Source: OpenAI "Using tools".
HOSTED = frozenset({
    "web_search_call",
    "file_search_call",
    "code_interpreter_call",
    "mcp_call",
    "fusion_call",
})  # fmt: skip  # one type a line
# Calls whose arguments are JSON. Those of others are any text, or an object.
_WITH_ARGUMENTS = frozenset({"function_call", "mcp_call"})


def are_an_answer(items: list[JsonObject]) -> bool:
    """Return whether each item is whole, and the last one is a call for the caller, or a message.

    A message of the phase ``commentary`` ends no answer: it is what a model says before a call.
    Source: OpenAI API reference, "Responses": ``phase``.
    """
    last = items[-1] if items else {}
    kind = kind_of(last)
    is_last_word = kind == MESSAGE and last.get("phase") != "commentary"
    ends = is_last_word or (kind is not None and is_call(kind) and kind not in HOSTED)
    return ends and answers(last) and all(map(_is_whole, items))


def _is_whole(item: JsonObject) -> bool:
    """Return whether an item does not say itself that it is cut off, and its arguments are not."""
    if item.get("status", COMPLETED) != COMPLETED:
        return False
    if kind_of(item) not in _WITH_ARGUMENTS:
        return True
    arguments = item.get("arguments")
    return isinstance(arguments, str) and is_json(arguments, "object")
