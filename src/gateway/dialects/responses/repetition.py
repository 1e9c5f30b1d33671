"""Looks for an agent that repeats itself in the input of a Responses request."""

from collections.abc import Iterator

from gateway.dialects.repeated_calls import Repetition, repetition_in
from gateway.http.json_members import Members
from gateway.http.json_values import Json, JsonObject, list_or_empty, object_or_empty

# A body without these has no tool calls. An escape could hide them.
_MARKS = (b'_call"', b"\\u")
# The name of each kind of call's arguments, and the type of its result.
_ARGUMENTS = {"function_call": "arguments", "custom_tool_call": "input"}
_RESULTS = frozenset(f"{kind}_output" for kind in _ARGUMENTS)


def repetition_in_input(fields: Members) -> Repetition | None:
    """Return what the agent repeats at the end of the input; None if nothing."""
    if not any(mark in fields.text for mark in _MARKS):
        return None
    # Parsed again: in a large body the parser has left out what no other check reads.
    items = fields.value("input", max_values=len(fields.text) + 2)
    return repetition_in([*_as_chat(list_or_empty(items))])


def _as_chat(items: list[Json]) -> Iterator[Json]:
    """Yield what ``repeated_calls`` reads of each item, in the form of chat.

    Calls that follow each other belong to one message.
    """
    calls: list[Json] = []
    for item in map(object_or_empty, items):
        kind = item.get("type", "message")
        if isinstance(kind, str) and kind in _ARGUMENTS:
            calls.append(_call_of(item, _ARGUMENTS[kind]))
            continue
        if calls and kind != "reasoning":
            yield {"role": "assistant", "tool_calls": calls}
            calls = []
        if isinstance(kind, str) and kind in _RESULTS:
            yield {"role": "tool", "tool_call_id": item.get("call_id"), "content": item.get("output")}
        elif kind == "message" and item.get("role") == "user":
            yield {"role": "user"}
    if calls:
        yield {"role": "assistant", "tool_calls": calls}


def _call_of(item: JsonObject, arguments: str) -> Json:
    function: JsonObject = {"name": item.get("name"), "arguments": item.get(arguments)}
    return {"id": item.get("call_id"), "function": function}
