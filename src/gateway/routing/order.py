"""Orders the candidates of a chain: as given, cheapest first, fastest first, by weights, or by session."""

from collections.abc import Callable, Mapping
from dataclasses import field

from gateway.http.frozen import dataclass
from gateway.routing.chain import Candidate
from gateway.routing.makers import SignedReasoning
from gateway.settings.options import Order

UNKNOWN_LAST = float("inf")
# The orders in which the model that served the session last comes first.
BY_SESSION = ("sticky", "auto")


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderBy:
    """An order, and the data that it uses.

    Attributes:
        how: the order.
        weights: by model, for ``weighted``; 1 for a model without one. A model of weight 0 comes last.
        expected_ms: returns a candidate's expected time to commit in ms; None if it is unknown.
        session_model: the model that served the session last; None if there is no session, or it is new.
        draw: returns a random number, at least 0 and below 1.
    """

    how: Order
    weights: Mapping[str, float] = field(default_factory=dict)
    expected_ms: Callable[[Candidate], float | None]
    session_model: str | None
    draw: Callable[[], float]


def ordered(candidates: list[Candidate], by: OrderBy) -> list[Candidate]:
    """Return the candidates in the order in which they are tried. Equal ones keep the given order."""
    if by.how == "cheapest":
        return sorted(candidates, key=lambda each: _or_last(each.estimated_cost_usd))
    if by.how == "fastest":
        return sorted(candidates, key=lambda each: _or_last(by.expected_ms(each)))
    if by.how == "weighted":
        return sorted(candidates, key=lambda each: _weighted_key(by.weights.get(each.model, 1.0), by.draw()))
    if by.how in BY_SESSION:
        return sorted(candidates, key=lambda each: each.model != by.session_model)
    return candidates


def maker_first(chain: tuple[Candidate, ...], signed: SignedReasoning) -> tuple[Candidate, ...]:
    """Return a chain that begins with the model that made the newest signed part, if it has that model.

    If only its author is known, the chain begins with its first model of this author.
    """
    first = next((each for each in chain if signed.is_by(each.model)), None)
    return chain if first is None else (first, *(each for each in chain if each is not first))


def _or_last(value: float | None) -> float:
    return UNKNOWN_LAST if value is None else value


def _weighted_key(weight: float, draw: float) -> float:
    """Return a random sort key, with which each candidate comes first as often as its share of the weights.

    Source: Efraimidis and Spirakis, "Weighted random sampling with a reservoir".
    """
    return -(draw ** (1 / weight)) if weight > 0 else UNKNOWN_LAST
