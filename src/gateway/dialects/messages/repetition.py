"""Looks for an agent that repeats itself in the messages of a Messages request."""

from collections.abc import Iterator

from gateway.dialects.repeated_calls import Repetition, repetition_in
from gateway.http.json_bytes import to_json_bytes
from gateway.http.json_members import Members
from gateway.http.json_values import Json, JsonObject, list_or_empty, object_or_empty

# A body without these has no tool calls. An escape could hide them.
_MARKS = (b'"tool_use"', b"\\u")
# Claude Code adds such texts to a tool's result by itself. They are not the user's.
_ADDED = "<system-reminder>"


def repetition_in_messages(fields: Members) -> Repetition | None:
    """Return what the agent repeats at the end of the messages; None if nothing."""
    if not any(mark in fields.text for mark in _MARKS):
        return None
    # Parsed again: in a large body the parser has left out what no other check reads.
    messages = fields.value("messages", max_values=len(fields.text) + 2)
    return repetition_in([*_as_chat(list_or_empty(messages))])


def _as_chat(messages: list[Json]) -> Iterator[Json]:
    """Yield what ``repeated_calls`` reads of each message, in the form of chat."""
    for each in messages:
        message = object_or_empty(each)
        content = message.get("content")
        if message.get("role") == "assistant":
            blocks = map(object_or_empty, list_or_empty(content))
            calls: list[Json] = [_call_of(block) for block in blocks if block.get("type") == "tool_use"]
            yield {"role": "assistant", "tool_calls": calls}
        elif message.get("role") == "user":
            yield from _results_in(content)


def _results_in(content: Json) -> Iterator[Json]:
    """Yield the tools' results in a user's message, and the message itself if the user says something."""
    says_something = not isinstance(content, list)
    for block in map(object_or_empty, list_or_empty(content)):
        if block.get("type") == "tool_result":
            yield {
                "role": "tool",
                "tool_call_id": block.get("tool_use_id"),
                "content": block.get("content"),
                "is_error": block.get("is_error"),
            }
        else:
            text = block.get("text")
            says_something |= not (isinstance(text, str) and text.lstrip().startswith(_ADDED))
    if says_something:
        yield {"role": "user"}


def _call_of(block: JsonObject) -> Json:
    arguments = to_json_bytes(block.get("input")).decode()
    return {"id": block.get("id"), "function": {"name": block.get("name"), "arguments": arguments}}
