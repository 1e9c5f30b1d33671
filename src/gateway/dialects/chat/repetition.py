"""Looks for an agent that repeats itself in the messages of a chat."""

from gateway.dialects.repeated_calls import Repetition, repetition_in
from gateway.http.json_members import Members
from gateway.http.json_values import list_or_empty

# A body without these has no tool calls. An escape could hide them.
_MARKS = (b'"tool_calls"', b'"function_call"', b"\\u")


def repetition_in_chat(fields: Members) -> Repetition | None:
    """Return what the agent repeats at the end of the chat; None if nothing."""
    if not any(mark in fields.text for mark in _MARKS):
        return None
    # Parsed again: in a large body the parser has left out what no other check reads.
    messages = fields.value("messages", max_values=len(fields.text) + 2)
    return repetition_in(list_or_empty(messages))
