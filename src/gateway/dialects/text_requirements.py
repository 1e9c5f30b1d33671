"""Finds out what a request for a text requires of a model, in any wire format.

The wire format says what only it can know (``TextNeeds``). The rest are OpenRouter's own fields.
"""

from collections.abc import Callable, Mapping
from typing import TypeAlias

from gateway.dialects.openrouter_fields import (
    extras_of,
    has_fees,
    max_price_of,
    preferences_of,
    prefers_endpoints,
    words_of,
)
from gateway.dialects.prompt import read_prompt
from gateway.dialects.prompt_tokens import Media
from gateway.dialects.requirements import FREE_PLUGINS, JsonRequirement, Requirements
from gateway.http.frozen import dataclass
from gateway.http.json_values import JsonObject, list_or_empty, object_or_empty


@dataclass(frozen=True, slots=True, kw_only=True)
class TextNeeds:
    """What a request needs beside the context for its tokens.

    Attributes:
        tools: whether the model may have to call tools.
        services: the tools that do not run at the caller, by name.
        json: the kind of JSON that it wants; None for any text.
        outputs: the kinds of output other than text that it wants.
        shrinks: whether a field of the wire format lets OpenRouter shorten the prompt.
        parameters: the name, in a model's ``supported_parameters``, of each field that the model must support
            if all are required.
        more_parameters: further such names.
    """

    tools: bool
    services: set[str]
    json: JsonRequirement | None
    parameters: Mapping[str, str]
    outputs: frozenset[str] = frozenset()
    shrinks: bool = False
    more_parameters: tuple[str, ...] = ()


FindNeeds: TypeAlias = Callable[[JsonObject], TextNeeds]


def requirements_of_text(
    body: JsonObject,
    text: bytes,
    media: Media,
    *,
    saying_more: frozenset[str],
    needs_of: FindNeeds,
    reasoning: bool | None,
    hides_reasoning: bool = False,
) -> Requirements:
    """Return what a checked body requires of a model.

    Args:
        body: the caller's body, parsed.
        text: the fields that go upstream, as JSON.
        media: the parts of the prompt that are not text.
        saying_more: the fields without which a body without media needs nothing but context for its tokens.
        needs_of: returns what a body with one of these needs.
        reasoning: whether it turns the model's reasoning on or off; None if it does not say.
        hides_reasoning: whether the reasoning is withheld.
    """
    tokens, caches = read_prompt(body, text, media)
    if not media.kinds and saying_more.isdisjoint(body):  # most bodies
        return Requirements(
            tokens=tokens, writes_cache=caches, reasoning=reasoning, hides_reasoning=hides_reasoning
        )
    needs = needs_of(body)
    plugins = words_of(list_or_empty(body.get("plugins")), "id")
    provider = object_or_empty(body.get("provider"))
    required: tuple[str, ...] = ()
    if provider.get("require_parameters") is True:
        given = (name for field, name in needs.parameters.items() if body.get(field) is not None)
        required = (*given, *needs.more_parameters)
    return Requirements(
        tokens=tokens,
        tools=needs.tools,
        inputs=frozenset(media.kinds),
        outputs=needs.outputs,
        json=needs.json,
        parameters=required,
        max_price=max_price_of(provider.get("max_price")),
        has_fees=has_fees(body, (plugins - FREE_PLUGINS) | needs.services) or bool(needs.outputs),
        prefers_endpoints=prefers_endpoints(body, provider),
        extras=extras_of(body, plugins | needs.services),
        preferences=preferences_of(body, provider),
        writes_cache=caches,
        shrinks=needs.shrinks or "context-compression" in plugins,
        reasoning=reasoning,
        hides_reasoning=hides_reasoning,
    )
