"""Finds out what a Messages request requires of a model: context, modalities, tools, parameters, price."""

from collections.abc import Mapping
from types import MappingProxyType

from gateway.dialects.messages.media import media_in
from gateway.dialects.openrouter_fields import words_of
from gateway.dialects.requirements import Requirements
from gateway.dialects.text_requirements import TextNeeds, requirements_of_text
from gateway.http.json_values import JsonObject, list_or_empty, object_or_empty, text_or_none
from gateway.http.long_strings import NONE, LongStrings

# The name of each field in a model's `supported_parameters`, which has chat's names.
# Sources: Anthropic API reference, "Create a Message"; OpenRouter API reference, "Parameters".
PARAMETER_NAMES: Mapping[str, str] = MappingProxyType({
    "temperature": "temperature",
    "top_p": "top_p",
    "top_k": "top_k",
    "stop_sequences": "stop",
    "tools": "tools",
    "tool_choice": "tool_choice",
    "thinking": "reasoning",
    "max_tokens": "max_tokens",
})  # fmt: skip  # one field a line
# The beginnings of the types of tools that the caller runs itself. Tools of other types run at Anthropic or
# OpenRouter, for a fee. A tool without a type is the caller's own.
# Source: Anthropic "Tool use": client tools and server tools.
CALLERS_TOOLS = ("custom", "bash_", "text_editor_", "computer_", "memory_")
# Whether each type of thinking makes the model reason. Source: Anthropic "Extended thinking".
THINKING: Mapping[str, bool] = MappingProxyType({"enabled": True, "adaptive": True, "disabled": False})
# The values of `thinking.display` with which the stream is silent while the model thinks.
SILENT = frozenset({"omitted", "updates"})

# A body without media and without these fields requires nothing but context for its tokens.
SAYING_MORE = frozenset(
    {
        "provider",
        "tools",
        "mcp_servers",
        "output_config",
        "output_format",
        "plugins",
        "preset",
        "service_tier",
    }
)


def requirements_of(body: JsonObject, text: bytes, long: LongStrings = NONE) -> Requirements:
    """Return what a checked body requires of a model.

    Args:
        body: the caller's body, parsed.
        text: the fields that go upstream, as JSON.
        long: what was left out of the body's long strings.
    """
    reasoning = _reasoning(body)
    display = text_or_none(object_or_empty(body.get("thinking")).get("display"))
    return requirements_of_text(
        body,
        text,
        media_in(body, long),
        saying_more=SAYING_MORE,
        needs_of=_needs_of,
        reasoning=reasoning,
        hides_reasoning=reasoning is not False and display in SILENT,
    )


def _needs_of(body: JsonObject) -> TextNeeds:
    return TextNeeds(
        tools=bool(body.get("tools")) and object_or_empty(body.get("tool_choice")).get("type") != "none",
        services=_services_of(body),
        json="json_schema" if output_format_of(body) else None,
        parameters=PARAMETER_NAMES,
    )


def output_format_of(body: JsonObject) -> JsonObject | None:
    """Return the format with a JSON Schema that the answer must have; None if the answer may be any text.

    Source: Anthropic "Structured outputs": ``output_config.format``, and before that ``output_format``.
    """
    for found in (object_or_empty(body.get("output_config")).get("format"), body.get("output_format")):
        if isinstance(found, dict) and found.get("type") == "json_schema":
            return found
    return None


def _services_of(body: JsonObject) -> set[str]:
    """Return the types of the tools that do not run at the caller."""
    tools = list_or_empty(body.get("tools"))
    typed = [tool for tool in tools if object_or_empty(tool).get("type") is not None]
    services = {word for word in words_of(typed, "type") if not word.startswith(CALLERS_TOOLS)}
    return services | {"mcp"} if body.get("mcp_servers") else services


def _reasoning(body: JsonObject) -> bool | None:
    """Return whether the body turns thinking on or off; None if it does not say."""
    kind = object_or_empty(body.get("thinking")).get("type")
    return THINKING.get(kind) if isinstance(kind, str) else None
