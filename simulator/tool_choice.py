"""Which tool a model calls, and with which arguments."""

import json
from collections.abc import Mapping
from typing import Any

from simulator.asked import Asked, Tool, mappings

# So begin the names of tools with which OpenAI's Agents SDK changes the agent.
HANDOFF = "transfer_to_"
_UNKNOWN = Tool("get_weather")
_ARGUMENTS = ('{"city"', ':"Os', 'lo"}')  # of a tool that does not say what it takes
_PIECES = 3
_MAX_DEPTH = 6
_TEXT = "Oslo"
_VALUES: Mapping[str, object] = {"integer": 1, "number": 1, "boolean": True, "null": None}
_Schema = Mapping[str, Any]


def tool_for(asked: Asked) -> Tool | None:
    """Return the tool that is next; None if the tools have said what was asked for.

    That is a handoff that the prompt names, and else the first other tool, once.
    """
    prompt, called = _since_prompt(asked)
    handoffs = [tool for name, tool in asked.tools.items() if name.startswith(HANDOFF)]
    for tool in handoffs:
        if tool.name not in called and _is_named(tool, prompt):
            return tool
    if asked.last.results and not (called and called[-1].startswith(HANDOFF)):
        return None
    if not asked.tools:
        return _UNKNOWN
    return next((tool for tool in asked.tools.values() if tool not in handoffs), None)


def arguments_of(tool: Tool) -> tuple[str, ...]:
    """Return arguments that fit the tool's schema, in pieces."""
    if "properties" not in tool.parameters:
        return _ARGUMENTS
    written = json.dumps(_value(tool.parameters, tool.parameters, _MAX_DEPTH), separators=(",", ":"))
    size = -(-len(written) // _PIECES)
    return tuple(written[at : at + size] for at in range(0, len(written), size))


def _since_prompt(asked: Asked) -> tuple[str, list[str]]:
    """Return the last text of the user, and the tools that were called after it."""
    called: list[str] = []
    for message in reversed(asked.messages):
        if message.role == "user" and message.text and not message.results:
            return message.text, called
        called = [*message.calls, *called]
    return "", called


def _is_named(tool: Tool, prompt: str) -> bool:
    agent = tool.name.removeprefix(HANDOFF)
    return any(name.lower() in prompt.lower() for name in (agent, agent.replace("_", " ")))


def _value(schema: _Schema, root: _Schema, depth: int) -> object:
    """Return a value that fits the schema; null where it is nested too deeply."""
    if depth == 0:
        return None
    one = _one_of(schema, root)
    if one is not None:
        return _value(one, root, depth - 1)
    if "const" in schema or schema.get("enum"):
        return schema.get("const") or schema["enum"][0]
    kind = schema.get("type")
    kind = kind[0] if isinstance(kind, list) and kind else kind
    if kind == "object" or "properties" in schema:
        return _object(schema, root, depth)
    items = schema.get("items")
    if kind == "array":
        return [_value(items, root, depth - 1)] if isinstance(items, dict) else []
    return _VALUES.get(str(kind), _TEXT)


def _one_of(schema: _Schema, root: _Schema) -> _Schema | None:
    """Return the schema to which this one refers, or the first of its choices; None if it has neither."""
    if "$ref" in schema:
        return _definition(str(schema["$ref"]), root)
    choices = (mappings(schema.get(names)) for names in ("anyOf", "oneOf", "allOf"))
    return next((schemas[0] for schemas in choices if schemas), None)


def _object(schema: _Schema, root: _Schema, depth: int) -> object:
    properties = schema.get("properties")
    if not isinstance(properties, dict):
        return {}
    required = schema.get("required", list(properties))
    return {
        name: _value(inner, root, depth - 1)
        for name, inner in properties.items()
        if name in required and isinstance(inner, dict)
    }


def _definition(reference: str, root: _Schema) -> _Schema:
    found: Any = root
    for name in reference.split("/")[1:]:
        found = found.get(name) if isinstance(found, dict) else None
    return found if isinstance(found, dict) else {}
