"""Prices as OpenRouter lists them, and as people read them: USD per million tokens.

Source: OpenRouter "List available models": strings in USD per token; ``-1`` where a router decides; the list
price is that of the cheapest endpoint, so a bill can be higher.
"""

from gateway.frozen import dataclass
from gateway.wire import Json, JsonObject, number_or_none, object_or_empty

PER_MILLION = 1_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Price:
    """USD per million tokens, by kind; None where it is not known, or not limited."""

    prompt: float | None = None
    completion: float | None = None

    def cost_usd(self, prompt_tokens: float, completion_tokens: float) -> float | None:
        """Return what so many tokens cost; None where a price is not known."""
        if self.prompt is None or self.completion is None:
            return None
        return (prompt_tokens * self.prompt + completion_tokens * self.completion) / PER_MILLION

    def to_json(self) -> JsonObject:
        """Return the price as it is shown."""
        return {"prompt": self.prompt, "completion": self.completion}


def as_price(value: Json) -> Price:
    """Return a price that somebody has written: ``{"prompt": …, "completion": …}``, strings or numbers.

    Raises:
        ValueError: it is not one, in words that do not hold the value.
    """
    fields = object_or_empty(value)
    if not isinstance(value, dict) or not fields.keys() <= {"prompt", "completion"}:
        raise ValueError('must be {"prompt": …, "completion": …} in USD per million tokens')
    amounts = {name: usd_or_none(amount) for name, amount in fields.items()}
    if any(usd is None or usd < 0 for usd in amounts.values()):
        raise ValueError("must hold numbers, 0 or more: USD per million tokens")
    return Price(**amounts)


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


def usd_or_none(value: object) -> float | None:
    """Return an amount that is written as a number or a string; None where it is none."""
    if isinstance(value, bool) or not isinstance(value, (str, int, float)):
        return None
    try:
        usd = float(value)
    except (ValueError, OverflowError):
        return None
    return usd if usd == usd and abs(usd) < float("inf") else None  # noqa: PLR0124  # NaN is not itself
