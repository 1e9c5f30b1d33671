"""Finds out what a completion request requires of a model: context, parameters, services, price."""

from dataclasses import replace

from gateway.dialects.openrouter_fields import CALLERS_TOOLS, reasoning_of, words_of
from gateway.dialects.prompt_tokens import NO_MEDIA
from gateway.dialects.requirements import SAME_NAMES, Requirements
from gateway.dialects.text_requirements import TextNeeds, requirements_of_text
from gateway.http.json_values import JsonObject, list_or_empty

# A body without these fields requires nothing but context for its tokens.
SAYING_MORE = frozenset(
    {"provider", "tools", "plugins", "transforms", "web_search_options", "preset", "service_tier"}
)


def requirements_of(body: JsonObject, text: bytes, *, prompts: int) -> Requirements:
    """Return what a checked body requires of a model.

    Args:
        body: the caller's body, parsed.
        text: the fields that go upstream, as JSON.
        prompts: how many prompts it has; the model reads each alone.
    """
    requirements = requirements_of_text(
        body, text, NO_MEDIA, saying_more=SAYING_MORE, needs_of=_needs_of, reasoning=reasoning_of(body)
    )
    return replace(requirements, is_in_parts=True) if prompts > 1 else requirements


def _needs_of(body: JsonObject) -> TextNeeds:
    return TextNeeds(
        tools=False,
        services=words_of(list_or_empty(body.get("tools")), "type") - CALLERS_TOOLS,
        json=None,
        parameters=SAME_NAMES,
        shrinks=bool(body.get("transforms")),
    )
