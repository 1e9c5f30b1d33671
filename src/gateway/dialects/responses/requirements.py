"""Finds out what a Responses request requires of a model: context, modalities, tools, parameters, price."""

from collections.abc import Mapping
from types import MappingProxyType

from gateway.dialects.openrouter_fields import reasoning_of, words_of
from gateway.dialects.requirements import JSON_KINDS, JsonRequirement, Requirements
from gateway.dialects.responses.media import media_in
from gateway.dialects.text_requirements import TextNeeds, requirements_of_text
from gateway.http.json_values import JsonObject, list_or_empty, object_or_empty
from gateway.http.long_strings import NONE, LongStrings

# The name of each field in a model's `supported_parameters`, which has chat's names.
# Sources: OpenAI API reference, "Create a model response"; OpenRouter API reference, "Parameters".
PARAMETER_NAMES: Mapping[str, str] = MappingProxyType({
    "temperature": "temperature",
    "top_p": "top_p",
    "top_k": "top_k",
    "top_logprobs": "top_logprobs",
    "frequency_penalty": "frequency_penalty",
    "presence_penalty": "presence_penalty",
    "max_output_tokens": "max_tokens",
    "tools": "tools",
    "tool_choice": "tool_choice",
    "parallel_tool_calls": "parallel_tool_calls",
    "reasoning": "reasoning",
})  # fmt: skip  # one field a line
# The types of tools that the caller runs itself. Others run at OpenRouter or a provider, for a fee.
# Source: OpenAI API reference, "Create a model response", `tools`.
CALLERS_TOOLS = frozenset({
    "function",
    "custom",
    "apply_patch",
    "local_shell",
    "shell",
    "namespace",
    "tool_search",
    "computer",
    "computer_use_preview",
})  # fmt: skip  # one type a line

# A body without media and without these fields requires nothing but context for its tokens.
SAYING_MORE = frozenset({"provider", "tools", "text", "plugins", "preset", "service_tier"})


def requirements_of(body: JsonObject, text: bytes, long: LongStrings = NONE) -> Requirements:
    """Return what a checked body requires of a model.

    Args:
        body: the caller's body, parsed.
        text: the fields that go upstream, as JSON.
        long: what was left out of the body's long strings.
    """
    return requirements_of_text(
        body,
        text,
        media_in(body, long),
        saying_more=SAYING_MORE,
        needs_of=_needs_of,
        reasoning=reasoning_of(body),
    )


def _needs_of(body: JsonObject) -> TextNeeds:
    kind = json_kind_of(body)
    return TextNeeds(
        tools=bool(body.get("tools")) and body.get("tool_choice") != "none",
        services=words_of(list_or_empty(body.get("tools")), "type") - CALLERS_TOOLS,
        json=kind,
        parameters=PARAMETER_NAMES,
        more_parameters=("response_format",) if kind else (),
        shrinks=body.get("truncation") == "auto",
    )


def json_kind_of(body: JsonObject) -> JsonRequirement | None:
    """Return the kind of JSON that ``text.format`` requests; None if the answer may be any text."""
    kind = object_or_empty(object_or_empty(body.get("text")).get("format")).get("type")
    return JSON_KINDS.get(kind) if isinstance(kind, str) else None
