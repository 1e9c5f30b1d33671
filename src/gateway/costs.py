"""What one attempt may well cost, and what it may cost at the most, by list prices."""

from gateway.chat import ChatRequest
from gateway.prices import Price, usd_per_request
from gateway.wire import JsonObject, number_or_none, object_or_empty

# An answer's length where nothing bounds it: what a page of text comes to.
EXPECTED_COMPLETION_TOKENS = 500
# What a prompt costs at the most that is kept for later. Source: OpenRouter "Prompt Caching".
CACHE_WRITE = 2


def estimated_cost_usd(chat: ChatRequest, price: Price, listed: JsonObject | None = None) -> float | None:
    """Return what an answer of ordinary length comes to; None where the price is not known."""
    most = _most_completion_tokens(chat, listed) or EXPECTED_COMPLETION_TOKENS
    return _cost_usd(chat, price, listed, chat.needs.tokens.likely, min(EXPECTED_COMPLETION_TOKENS, most))


def worst_cost_usd(chat: ChatRequest, price: Price, listed: JsonObject | None = None) -> float | None:
    """Return the most that an attempt may cost; None where the price, or a length, is not known.

    List prices are those of a model's cheapest endpoint, so a dearer one can go above this.
    """
    if chat.needs.has_fees:
        return None
    return _cost_usd(chat, price, listed, chat.needs.tokens.most, _most_completion_tokens(chat, listed))


def _cost_usd(
    chat: ChatRequest,
    price: Price,
    listed: JsonObject | None,
    prompt_tokens: float | None,
    completion_tokens: float | None,
) -> float | None:
    if prompt_tokens is None or completion_tokens is None:
        return None
    prompt_tokens *= CACHE_WRITE if chat.needs.writes_cache else 1
    tokens_usd = price.cost_usd(prompt_tokens, completion_tokens * chat.choices)
    return None if tokens_usd is None else tokens_usd + (usd_per_request(listed) if listed else 0.0)


def _most_completion_tokens(chat: ChatRequest, listed: JsonObject | None) -> float | None:
    """Return the caller's own limit, else the model's, else its whole context; None where nothing says."""
    if chat.max_tokens is not None and chat.max_tokens > 0:
        return float(chat.max_tokens)
    if listed is None:
        return None
    most = number_or_none(object_or_empty(listed.get("top_provider")).get("max_completion_tokens"))
    return most or number_or_none(listed.get("context_length"))
