"""Turns the names in a request, a task route or a setting into the candidates of a chain."""

from collections.abc import Callable, Iterator

from gateway.catalog.prices import listed_price
from gateway.dialects.model_request import ModelRequest
from gateway.http.errors import GatewayError
from gateway.http.frozen import dataclass
from gateway.http.json_values import JsonObject
from gateway.http.message import OPENROUTER
from gateway.memory.catalog import Catalog
from gateway.routing.chain import Candidate
from gateway.routing.cost_estimate import CostEstimate, estimate_costs
from gateway.settings.caller import Caller
from gateway.settings.keys import allows_any_under
from gateway.settings.price import Price
from gateway.settings.settings import Settings
from gateway.settings.task_routes import TaskRoute
from gateway.settings.upstreams import DIRECT, split_direct


@dataclass(frozen=True, slots=True, kw_only=True)
class CandidateInfo:
    """A candidate, with its catalogue entry and its task route.

    Attributes:
        candidate: the candidate.
        listed: the model's entry in the catalogue; None if it has none, or there is no catalogue.
        route: the task route that the candidate belongs to; None if the model itself was named.
    """

    candidate: Candidate
    listed: JsonObject | None
    route: TaskRoute | None


def candidates_of(
    name: str,
    route: TaskRoute | None,
    request: ModelRequest,
    settings: Settings,
    *,
    caller: Caller,
    catalog: Catalog | None,
    expected_tokens: Callable[[str], int],
) -> Iterator[CandidateInfo]:
    """Yield the candidates for one name: the model itself, or the models of its task route.

    Args:
        name: the name.
        route: the task route of that name; None if it is a model's name.
        request: the request.
        settings: the Worker's settings.
        caller: the caller's key name, and what the key allows.
        catalog: OpenRouter's catalogue, if there is one.
        expected_tokens: returns the expected length of a model's answer, in tokens.

    Raises:
        GatewayError: a name that starts with ``direct:`` has no declared upstream, or no model.
    """
    for model in route.models if route else (name,):
        tokens = expected_tokens(model)
        yield _direct(model, route, request, settings, caller, expected_tokens=tokens) or _listed(
            model, route, request, settings, catalog, expected_tokens=tokens
        )


def _direct(
    model: str,
    route: TaskRoute | None,
    request: ModelRequest,
    settings: Settings,
    caller: Caller,
    *,
    expected_tokens: int,
) -> CandidateInfo | None:
    parts = split_direct(model)
    if parts is None:
        return None
    name, upstream_model = parts
    direct = settings.direct.get(name)
    if direct is None or not upstream_model:
        raise GatewayError(
            "unknown_upstream",
            "`direct:NAME/MODEL` must name a declared upstream and a model. "
            f"The upstreams that this key may use are: {_usable(settings, caller)}.",
            param=request.field_of(model),
        )
    price = direct.prices.get(upstream_model)
    costs = estimate_costs(request, price or Price(), expected_tokens=expected_tokens)
    candidate = Candidate(
        model=model,
        upstream=name,
        asked=upstream_model,
        task=route.name if route else None,
        price=price,
        estimated_cost_usd=costs.likely_usd,
        worst_cost_usd=costs.most_usd,
        held_cost_usd=_held_usd(costs, settings),
    )
    return CandidateInfo(candidate=candidate, listed=None, route=route)


def _held_usd(costs: CostEstimate, settings: Settings) -> float | None:
    """Return what an attempt holds of a budget; None if that is unknown."""
    return costs.most_usd if settings.budget_hold == "worst" else costs.expected_usd


def _usable(settings: Settings, caller: Caller) -> str:
    """Return the names of the direct upstreams that a caller may use, or ``none``."""
    # With an OpenRouter key of its own a caller may use none of them: see `Eligibility`.
    names = settings.direct if caller.own_key is None else ()
    return ", ".join(name for name in names if allows_any_under(caller, f"{DIRECT}{name}/")) or "none"


def _listed(
    model: str,
    route: TaskRoute | None,
    request: ModelRequest,
    settings: Settings,
    catalog: Catalog | None,
    *,
    expected_tokens: int,
) -> CandidateInfo:
    listed = catalog.find(model) if catalog else None
    # The variant `:online` searches the web, for a fee that the list price does not include.
    price = Price() if listed is None or model.endswith(":online") else listed_price(listed)
    costs = estimate_costs(
        request,
        price,
        listed,
        model=model,
        ceiling=route.max_price if route else None,
        expected_tokens=expected_tokens,
    )
    candidate = Candidate(
        model=model,
        upstream=OPENROUTER,
        asked=model,
        task=route.name if route else None,
        max_price=route.max_price if route else None,
        estimated_cost_usd=costs.likely_usd,
        worst_cost_usd=costs.most_usd,
        held_cost_usd=_held_usd(costs, settings),
    )
    return CandidateInfo(candidate=candidate, listed=listed, route=route)
