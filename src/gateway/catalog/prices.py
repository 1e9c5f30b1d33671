"""Prices as OpenRouter lists them, and as people read them: USD per million tokens.

Source: OpenRouter "List available models": strings in USD per token; ``-1`` where a router decides; the list
price is that of the cheapest endpoint, so a bill can be higher.
"""

from gateway.http.json_values import JsonObject, number_or_none, object_or_empty
from gateway.settings.price import PER_MILLION, Price, usd_or_none


def listed_price(model: JsonObject) -> Price:
    """Return a model's list price as the catalogue has it: with conditional prices the dearest."""
    usd = object_or_empty(model.get("usd_per_million_tokens"))
    return Price(prompt=number_or_none(usd.get("prompt")), completion=number_or_none(usd.get("completion")))


def lowest_price(model: JsonObject) -> Price:
    """Return what a model charges at the least: its list price without conditions."""
    plain: JsonObject = {"pricing": {**object_or_empty(model.get("pricing")), "overrides": None}}
    return Price(prompt=usd_per_million(plain, "prompt"), completion=usd_per_million(plain, "completion"))


def usd_per_million(model: JsonObject, kind: str) -> float | None:
    """Return a model's price for ``prompt`` or ``completion`` tokens; None where it is not known.

    With conditional prices (``overrides``) the dearest counts: what a request will meet is not known here.
    """
    pricing = object_or_empty(model.get("pricing"))
    overrides = pricing.get("overrides")
    tiers = [pricing, *(overrides if isinstance(overrides, list) else ())]
    prices = [usd_or_none(object_or_empty(tier).get(kind)) for tier in tiers]
    known = [price for price in prices if price is not None]
    if not known or min(known) < 0:  # a router's price is that of whatever it picks
        return None
    usd = max(known) * PER_MILLION
    return round(usd, 6) if usd < float("inf") else None


def usd_per_request(model: JsonObject) -> float:
    """Return what a model charges for each request, whatever its length; 0 for most."""
    return max(0.0, usd_or_none(object_or_empty(model.get("pricing")).get("request")) or 0.0)


def is_free(model: JsonObject) -> bool:
    """Return whether the model costs nothing by its name: a price of 0 alone does not promise that."""
    return str(model.get("id")).endswith(":free")
