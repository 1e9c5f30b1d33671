"""In which order a chain is tried: as it was given, the cheapest first, the fastest, by weights, sticky."""

from collections.abc import Callable, Mapping
from dataclasses import field

from gateway.http.frozen import dataclass
from gateway.routing.chain import Candidate
from gateway.settings.options import Order

UNKNOWN_LAST = float("inf")


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderBy:
    """What an order goes by.

    Attributes:
        weights: by model; 1 where there is none. A weight of 0 comes after all others.
        expected_ms: how long a model takes to commit; None where nobody knows.
        session_model: what served the session last; None where there is no session, or it is new.
        draw: a random number from 0 up to 1.
    """

    how: Order
    weights: Mapping[str, float] = field(default_factory=dict)
    expected_ms: Callable[[Candidate], float | None]
    session_model: str | None
    draw: Callable[[], float]


def ordered(candidates: list[Candidate], by: OrderBy) -> list[Candidate]:
    """Return the candidates in the order in which they are tried; those that are equal as they were given."""
    if by.how == "cheapest":
        return sorted(candidates, key=lambda each: _or_last(each.estimated_cost_usd))
    if by.how == "fastest":
        return sorted(candidates, key=lambda each: _or_last(by.expected_ms(each)))
    if by.how == "weighted":
        return sorted(candidates, key=lambda each: _place(by.weights.get(each.model, 1.0), by.draw()))
    if by.how == "sticky":
        return sorted(candidates, key=lambda each: each.model != by.session_model)
    return candidates


def _or_last(value: float | None) -> float:
    return UNKNOWN_LAST if value is None else value


def _place(weight: float, draw: float) -> float:
    """Return a key: sorted by it, each candidate comes first as often as its share of the weights.

    Source: Efraimidis and Spirakis, "Weighted random sampling with a reservoir".
    """
    return -(draw ** (1 / weight)) if weight > 0 else UNKNOWN_LAST
