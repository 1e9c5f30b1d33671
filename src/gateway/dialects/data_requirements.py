"""Finds out what a request without messages requires of a model: completions, embeddings, reranking."""

from gateway.dialects.openrouter_fields import (
    CALLERS_TOOLS,
    extras_of,
    has_fees,
    max_price_of,
    preferences_of,
    prefers_endpoints,
    words_of,
)
from gateway.dialects.prompt_tokens import Media, estimate
from gateway.dialects.requirements import FREE_PLUGINS, Requirements
from gateway.http.json_values import JsonObject, list_or_empty, object_or_empty


def requirements_of_data(
    body: JsonObject,
    media: Media,
    *,
    text_bytes: int,
    more_tokens: int = 0,
    has_more_fees: bool = False,
    is_in_parts: bool = True,
) -> Requirements:
    """Return what a checked body requires of a model.

    Args:
        body: the caller's body, parsed.
        media: its parts that are not text.
        text_bytes: how many bytes it has, media included, and the tokens that are counted apart excluded.
        more_tokens: how many tokens it has as numbers.
        has_more_fees: whether it may cost more than its tokens and the price of one request.
        is_in_parts: see ``Requirements``.
    """
    plugins = words_of(list_or_empty(body.get("plugins")), "id")
    services = words_of(list_or_empty(body.get("tools")), "type") - CALLERS_TOOLS
    provider = object_or_empty(body.get("provider"))
    return Requirements(
        tokens=estimate(media, text_bytes).plus(more_tokens),
        inputs=frozenset(media.kinds),
        max_price=max_price_of(provider.get("max_price")),
        has_fees=has_fees(body, (plugins - FREE_PLUGINS) | services) or has_more_fees,
        extras=extras_of(body, plugins | services),
        prefers_endpoints=prefers_endpoints(body, provider),
        preferences=preferences_of(body, provider),
        is_in_parts=is_in_parts,
    )
