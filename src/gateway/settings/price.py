"""The type for a price in USD per million tokens, and the parser for it."""

from gateway.http.frozen import dataclass
from gateway.http.json_values import Json, JsonObject, object_or_empty

PER_MILLION = 1_000_000
# No answer and no million tokens cost more than this. A larger number is an error, and must not overflow.
MAX_USD = 1_000_000.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Price:
    """USD per million prompt tokens and completion tokens.

    None means that the price is not known or, in a price ceiling, not limited.
    """

    prompt: float | None = None
    completion: float | None = None

    def cost_usd(self, prompt_tokens: float, completion_tokens: float) -> float | None:
        """Return the cost of these tokens in USD, at most ``MAX_USD``; None if it needs an unknown price."""
        if self.prompt is None or (self.completion is None and completion_tokens):
            return None
        completion_usd = completion_tokens * (self.completion or 0.0)
        return min(MAX_USD, (prompt_tokens * self.prompt + completion_usd) / PER_MILLION)

    def to_json(self) -> JsonObject:
        """Return the price as a JSON object."""
        return {"prompt": self.prompt, "completion": self.completion}


def as_price(value: Json) -> Price:
    """Return a price from its JSON form: ``{"prompt": …, "completion": …}``, with numbers or strings.

    Raises:
        ValueError: it is not a price. The message does not contain the value.
    """
    fields = object_or_empty(value)
    if not isinstance(value, dict) or not fields.keys() <= {"prompt", "completion"}:
        raise ValueError('must have prices as {"prompt": …, "completion": …} in USD per million tokens')
    amounts = {name: usd_or_none(amount) for name, amount in fields.items()}
    if any(usd is None or usd < 0 for usd in amounts.values()):
        raise ValueError("must have prices of 0 or more, in USD per million tokens")
    return Price(**amounts)


def usd_or_none(value: object) -> float | None:
    """Return an amount from a number or a string; None if it is not a finite number."""
    if isinstance(value, bool) or not isinstance(value, (str, int, float)):
        return None
    try:
        usd = float(value)
    except (ValueError, OverflowError):
        return None
    return usd if usd == usd and abs(usd) < float("inf") else None  # noqa: PLR0124  # NaN differs from itself
