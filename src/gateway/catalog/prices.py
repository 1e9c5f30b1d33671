"""Reads prices from OpenRouter's model objects, and converts them to USD per million tokens.

Source: OpenRouter "List available models": prices are strings in USD per token. ``-1`` means that a router
decides. The list price is that of the cheapest endpoint, so a bill can be higher.
"""

from gateway.http.json_values import Json, JsonObject, number_or_none, object_or_empty
from gateway.settings.price import MAX_USD, PER_MILLION, Price, usd_or_none


def listed_price(model: JsonObject) -> Price:
    """Return a catalogue model's list price; of conditional prices the most expensive."""
    usd = object_or_empty(model.get("usd_per_million_tokens"))
    return Price(prompt=_price_or_none(usd.get("prompt")), completion=_price_or_none(usd.get("completion")))


def _price_or_none(value: Json) -> float | None:
    """Return a listed price; None if it is not a number, or one that cannot be a price."""
    usd = number_or_none(value)
    return usd if usd is not None and 0 <= usd <= MAX_USD else None


def lowest_price(model: JsonObject) -> Price:
    """Return the lowest price of a model: its list price, without conditional prices."""
    plain: JsonObject = {"pricing": {**object_or_empty(model.get("pricing")), "overrides": None}}
    return Price(prompt=usd_per_million(plain, "prompt"), completion=usd_per_million(plain, "completion"))


def usd_per_million(model: JsonObject, kind: str) -> float | None:
    """Return a model's price for ``prompt`` or ``completion`` tokens; None if it is unknown.

    Of conditional prices (``overrides``) the most expensive counts, because it is unknown here which of the
    conditions a request will meet.
    """
    pricing = object_or_empty(model.get("pricing"))
    overrides = pricing.get("overrides")
    tiers = [pricing, *(overrides if isinstance(overrides, list) else ())]
    prices = [usd_or_none(object_or_empty(tier).get(kind)) for tier in tiers]
    valid = [price for price in prices if price is not None]
    if not valid or min(valid) < 0:  # -1: a router, which charges the price of the model that it picks
        return None
    usd = max(valid) * PER_MILLION
    return round(usd, 6) if usd < float("inf") else None


def usd_per_request(model: JsonObject) -> float:
    """Return a model's fixed price for each request, in USD, ``MAX_USD`` at the most; 0 for most models."""
    usd = usd_or_none(object_or_empty(model.get("pricing")).get("request")) or 0.0
    return min(MAX_USD, max(0.0, usd))


def is_free(model: JsonObject) -> bool:
    """Return whether the model's id ends in ``:free``. A list price of 0 is no guarantee."""
    return str(model.get("id")).endswith(":free")
