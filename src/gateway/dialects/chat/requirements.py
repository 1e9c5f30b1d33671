"""Finds out what a chat request requires of a model: context length, modalities, tools, parameters, price."""

from collections.abc import Mapping
from types import MappingProxyType

from gateway.dialects.chat.media import media_in
from gateway.dialects.openrouter_fields import MODALITIES, reasoning_of, words_of
from gateway.dialects.requirements import JSON_KINDS, PARAMETERS, Requirements
from gateway.dialects.text_requirements import TextNeeds, requirements_of_text
from gateway.http.json_values import JsonObject, list_or_empty, object_or_empty
from gateway.http.long_strings import NONE, LongStrings

# A body without media and without these fields requires nothing but context for its tokens.
SAYING_MORE = frozenset(
    {
        "provider",
        "modalities",
        "tools",
        "response_format",
        "plugins",
        "transforms",
        "web_search_options",
        "preset",
        "service_tier",
    }
)
# The kinds of tools that the caller runs itself. Others run at OpenRouter or a provider, for a fee.
CALLERS_TOOLS = frozenset({"function", "custom"})
# A model's `supported_parameters` has chat's names.
PARAMETER_NAMES: Mapping[str, str] = MappingProxyType({name: name for name in PARAMETERS})


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
    modalities = MODALITIES.intersection(
        each for each in list_or_empty(body.get("modalities")) if isinstance(each, str)
    )
    return TextNeeds(
        tools=bool(body.get("tools")) and body.get("tool_choice") != "none",
        services=words_of(list_or_empty(body.get("tools")), "type") - CALLERS_TOOLS,
        json=JSON_KINDS.get(str(object_or_empty(body.get("response_format")).get("type"))),
        parameters=PARAMETER_NAMES,
        outputs=modalities - {"text"},
        shrinks=bool(body.get("transforms")),
    )
