"""Estimates from list prices what one attempt will likely cost, holds of a budget, and can cost at most."""

from gateway.catalog.prices import usd_per_request
from gateway.dialects.model_request import ModelRequest
from gateway.http.frozen import dataclass
from gateway.http.json_values import JsonObject, number_or_none, object_or_empty
from gateway.memory.answer_lengths import UNKNOWN_TOKENS
from gateway.settings.price import Price

# The likely length of an answer without a limit: about a page of text.
EXPECTED_COMPLETION_TOKENS = 500
# A prompt that is written to a provider's cache costs at most this multiple of its normal price.
# Source: OpenRouter "Prompt Caching".
CACHE_WRITE = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class CostEstimate:
    """What one attempt costs, in USD; None if the price or a length is unknown.

    Attributes:
        likely_usd: the cost with an answer of ordinary length.
        most_usd: the upper bound at list price; None also if there may be fees. The list price is that of
            the model's cheapest endpoint, so an attempt at a more expensive endpoint can cost more.
        expected_usd: the cost with an answer of the expected length, at most ``most_usd``: what the attempt
            holds of a budget with ``BUDGET_HOLD=estimate``; None if there is no ``most_usd``.
    """

    likely_usd: float | None
    most_usd: float | None
    expected_usd: float | None


# Variants that may be served by an endpoint that costs more than the list price.
# Source: OpenRouter "Model variants".
EXPENSIVE_VARIANTS = (":nitro", ":exacto")


def estimate_costs(
    request: ModelRequest,
    price: Price,
    listed: JsonObject | None = None,
    *,
    model: str = "",
    ceiling: Price | None = None,
    expected_tokens: int = UNKNOWN_TOKENS,
) -> CostEstimate:
    """Return what one attempt costs.

    Args:
        request: the request.
        price: the model's list price.
        listed: the model's entry in the catalogue, if it has one.
        model: the model's name; a variant of it may cost more than the list price.
        ceiling: the route's ceiling for token prices, which OpenRouter enforces.
        expected_tokens: the expected length of one answer, if no limit is lower.
    """
    tokens, most_tokens = request.requirements.tokens, _most_completion_tokens(request, listed)
    factor = CACHE_WRITE if request.requirements.writes_cache else 1
    per_request_usd = usd_per_request(listed) if listed else 0.0

    may_be_above = request.requirements.prefers_endpoints or model.endswith(EXPENSIVE_VARIANTS)
    highest = _ceiling_of(price, ceiling, request.requirements.max_price) if may_be_above else price

    def usd(price: Price, prompt_tokens: float, completion_tokens: float) -> float | None:
        tokens_usd = price.cost_usd(prompt_tokens * factor, completion_tokens * request.choices)
        return None if tokens_usd is None else tokens_usd + per_request_usd

    likely_tokens = min(EXPECTED_COMPLETION_TOKENS, most_tokens or EXPECTED_COMPLETION_TOKENS)
    is_bounded = most_tokens is not None and tokens.most is not None and not request.requirements.has_fees
    most_usd = expected_usd = None
    if is_bounded and most_tokens is not None:
        most_usd = usd(highest, tokens.most or 0, most_tokens)
        expected_usd = usd(highest, tokens.likely, min(expected_tokens, most_tokens))
    return CostEstimate(
        likely_usd=usd(price, tokens.likely, likely_tokens), most_usd=most_usd, expected_usd=expected_usd
    )


def _most_completion_tokens(request: ModelRequest, listed: JsonObject | None) -> float | None:
    """Return the caller's limit on tokens, else the model's, else its context length; None if unknown."""
    if not request.choices:
        return 0.0
    if request.max_tokens is not None and request.max_tokens > 0:
        return float(request.max_tokens)
    if listed is None:
        return None
    most = number_or_none(object_or_empty(listed.get("top_provider")).get("max_completion_tokens"))
    lengths = (most, number_or_none(listed.get("context_length")))
    return next((length for length in lengths if length is not None and length > 0), None)


def _ceiling_of(price: Price, *ceilings: Price | None) -> Price:
    """Return the highest price that ceilings allow, at least the list price; without one it is unknown."""
    prompts = [each.prompt for each in ceilings if each and each.prompt is not None]
    completions = [each.completion for each in ceilings if each and each.completion is not None]
    if not prompts or not completions or price.prompt is None or price.completion is None:
        return Price()
    return Price(prompt=max(price.prompt, min(prompts)), completion=max(price.completion, min(completions)))
