"""A price in USD per million tokens: the value, and how a written one is read."""

from gateway.http.frozen import dataclass
from gateway.http.json_values import Json, JsonObject, object_or_empty

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


def usd_or_none(value: object) -> float | None:
    """Return an amount that is written as a number or a string; None where it is none."""
    if isinstance(value, bool) or not isinstance(value, (str, int, float)):
        return None
    try:
        usd = float(value)
    except (ValueError, OverflowError):
        return None
    return usd if usd == usd and abs(usd) < float("inf") else None  # noqa: PLR0124  # NaN is not itself
