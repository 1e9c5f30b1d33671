"""Finds out what a request for data requires of a model: embeddings, reranking and the like."""

from gateway.dialects.openrouter_fields import has_fees, max_price_of, preferences_of, prefers_endpoints
from gateway.dialects.prompt_tokens import Media, estimate
from gateway.dialects.requirements import Requirements
from gateway.http.json_values import JsonObject, object_or_empty


def requirements_of_data(
    body: JsonObject,
    media: Media,
    *,
    text_bytes: int,
    more_tokens: int = 0,
    has_more_fees: bool = False,
    outputs: frozenset[str] = frozenset(),
) -> Requirements:
    """Return what a checked body requires of a model.

    Args:
        body: the caller's body, parsed.
        media: its parts that are not text.
        text_bytes: how many bytes it has, media included, and the tokens that are counted apart excluded.
        more_tokens: how many tokens it has as numbers.
        has_more_fees: whether it may cost more than its tokens and the price of one request.
        outputs: what the model must put out, if its list of outputs says so.
    """
    provider = object_or_empty(body.get("provider"))
    return Requirements(
        tokens=estimate(media, text_bytes).plus(more_tokens),
        inputs=frozenset(media.kinds),
        outputs=outputs,
        max_price=max_price_of(provider.get("max_price")),
        has_fees=has_fees(body, set()) or has_more_fees,
        prefers_endpoints=prefers_endpoints(body, provider),
        preferences=preferences_of(body, provider),
        is_in_parts=True,
    )
