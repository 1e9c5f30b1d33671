"""Finds out what a chat request requires of a model: context length, modalities, tools, parameters, price."""

from gateway.dialects.chat.media import media_in
from gateway.dialects.openrouter_fields import (
    MODALITIES,
    extras_of,
    has_fees,
    max_price_of,
    preferences_of,
    prefers_endpoints,
    reasoning_of,
    words_of,
)
from gateway.dialects.prompt import read_prompt
from gateway.dialects.requirements import FREE_PLUGINS, JSON_KINDS, PARAMETERS, Requirements
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


def requirements_of(body: JsonObject, text: bytes, long: LongStrings = NONE) -> Requirements:
    """Return what a checked body requires of a model.

    Args:
        body: the caller's body, parsed.
        text: the fields that go upstream, as JSON.
        long: what was left out of the body's long strings.
    """
    media = media_in(body, long)
    tokens, caches = read_prompt(body, text, media)
    if not media.kinds and SAYING_MORE.isdisjoint(body):  # most bodies
        return Requirements(tokens=tokens, writes_cache=caches, reasoning=reasoning_of(body))
    plugins = words_of(list_or_empty(body.get("plugins")), "id")
    services = words_of(list_or_empty(body.get("tools")), "type") - CALLERS_TOOLS
    provider = object_or_empty(body.get("provider"))
    is_required = provider.get("require_parameters") is True
    modalities = MODALITIES.intersection(
        each for each in list_or_empty(body.get("modalities")) if isinstance(each, str)
    )
    return Requirements(
        tokens=tokens,
        tools=bool(body.get("tools")) and body.get("tool_choice") != "none",
        inputs=frozenset(media.kinds),
        outputs=modalities - {"text"},
        json=JSON_KINDS.get(str(object_or_empty(body.get("response_format")).get("type"))),
        parameters=tuple(name for name in PARAMETERS if body.get(name) is not None) if is_required else (),
        max_price=max_price_of(provider.get("max_price")),
        has_fees=has_fees(body, (plugins - FREE_PLUGINS) | services) or bool(modalities - {"text"}),
        prefers_endpoints=prefers_endpoints(body, provider),
        extras=extras_of(body, plugins | services),
        preferences=preferences_of(body, provider),
        writes_cache=caches,
        shrinks="context-compression" in plugins or bool(body.get("transforms")),
        reasoning=reasoning_of(body),
    )
