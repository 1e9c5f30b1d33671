"""Prices as OpenRouter lists them, and as people read them: USD per million tokens.

Source: OpenRouter "List available models": strings in USD per token; ``-1`` where a router decides; the list
price is that of the cheapest endpoint, so a bill can be higher.
"""

from gateway.wire import JsonObject, object_or_empty

PER_MILLION = 1_000_000


def usd_per_million(model: JsonObject, kind: str) -> float | None:
    """Return a model's price for ``prompt`` or ``completion`` tokens; None where it is not known.

    With conditional prices (``overrides``) the dearest counts: what a request will meet is not known here.
    """
    pricing = object_or_empty(model.get("pricing"))
    overrides = pricing.get("overrides")
    tiers = [pricing, *(overrides if isinstance(overrides, list) else ())]
    prices = [_usd(object_or_empty(tier).get(kind)) for tier in tiers]
    known = [price for price in prices if price is not None]
    if not known or min(known) < 0:  # a router's price is that of whatever it picks
        return None
    usd = max(known) * PER_MILLION
    return round(usd, 6) if usd < float("inf") else None


def usd_per_request(model: JsonObject) -> float:
    """Return what a model charges for each request, whatever its length; 0 for most."""
    return max(0.0, _usd(object_or_empty(model.get("pricing")).get("request")) or 0.0)


def is_free(model: JsonObject) -> bool:
    """Return whether the model costs nothing by its name: a price of 0 alone does not promise that."""
    return str(model.get("id")).endswith(":free")


def _usd(value: object) -> float | None:
    if isinstance(value, bool) or not isinstance(value, (str, int, float)):
        return None
    try:
        usd = float(value)
    except (ValueError, OverflowError):
        return None
    return usd if usd == usd and abs(usd) < float("inf") else None  # noqa: PLR0124  # NaN is not itself
