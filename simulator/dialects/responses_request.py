"""What a request of Responses says: its conversation, its tools, and what OpenRouter refuses in it."""

import json
import re
from collections.abc import Mapping
from typing import Any

from simulator.asked import Asked, Result, Said, Signed, Tool, mappings, text_in, tools_in
from simulator.dialects.dialect import EMPTY_INPUT
from simulator.fault import Fault

# Source: what OpenRouter answers; `metadata.raw` is the list of what its schema does not accept.
_INVALID = "Invalid Responses API request"
_AT = ": "
_CALLS = ("function_call", "custom_tool_call")
_OUTPUTS = ("function_call_output", "custom_tool_call_output")
_TOOLS = ("function", "custom")
# Codex tells the exit status of a command in the text of its output.
_EXIT_STATUS = re.compile(r"\bexited with code (\d+)")


def complaint(body: Mapping[str, Any]) -> str | None:
    """Return the words with which the body is refused: it has no input, or asks for a stored response."""
    given = body.get("input")
    if not isinstance(given, str | list) or not given:
        return EMPTY_INPUT if given in ("", []) else "input: Required"
    if body.get("store") is True:
        return "store: Invalid input: expected false"
    if body.get("previous_response_id") is not None:
        return "previous_response_id: Invalid input: expected null"
    return None


def invalid(words: str) -> Fault:
    """Return the error of a body that the schema does not accept."""
    field, _, message = words.partition(_AT) if _AT in words else ("input", "", words)
    raw = json.dumps([{"code": "custom", "path": [field], "message": message}])
    return Fault(400, _INVALID, {"raw": raw}, code="invalid_prompt")


def asked(body: Mapping[str, Any]) -> Asked:
    """Return what the conversation says; each item is one message."""
    given = body.get("input")
    if isinstance(given, str):
        return Asked((Said("user", given),), _tools(body))
    return Asked(tuple(_said(number, item) for number, item in enumerate(mappings(given))), _tools(body))


def _tools(body: Mapping[str, Any]) -> Mapping[str, Tool]:
    callable_ones = [tool for tool in mappings(body.get("tools")) if tool.get("type") in _TOOLS]
    return tools_in(callable_ones, "parameters")


def _said(number: int, item: Mapping[str, Any]) -> Said:
    kind = item.get("type")
    if kind in _CALLS:
        return Said("assistant", calls=(str(item.get("name")),))
    if kind in _OUTPUTS:
        text = text_in(item.get("output"))
        status = _EXIT_STATUS.search(text)
        return Said("tool", text, results=(Result(text, status is not None and status[1] != "0"),))
    sealed = item.get("encrypted_content")
    if kind == "reasoning":
        signed = (Signed(f"input[{number}]", str(sealed), encrypted_content=True),) if sealed else ()
        return Said("assistant", signed=signed)
    return Said(str(item.get("role")), text_in(item.get("content")))
