"""For the order ``fastest``: what OpenRouter says of models' endpoints, fetched beside a response."""

from gateway.http.errors import GatewayError
from gateway.http.message import OPENROUTER, Upstream
from gateway.memory.catalog import Catalog
from gateway.memory.endpoints import EndpointsMemory
from gateway.memory.ports import Ports
from gateway.routing.chain import Plan

# How old it may be; medians of half an hour change slowly.
MAX_AGE_S = 300.0
# How many models of a chain are looked up for one request: it may make 50 calls in all on the free plan.
MAX_LOOKUPS = 4


def models_to_look_up(
    planned: Plan, catalog: Catalog | None, memory: EndpointsMemory, *, now_s: float
) -> tuple[str, ...]:
    """Return the models whose endpoints are to be fetched, the first of the chain first.

    Only what the catalogue lists: a name becomes a part of a path upstream, and a caller's may be anything.
    """
    if catalog is None or not planned.by_latency:
        return ()
    asked = [each.asked for each in planned.chain if each.upstream == OPENROUTER]
    listed = [model for model in asked if (catalog.find(model) or {}).get("id") == model]
    return tuple(model for model in listed if not _is_recent(model, memory, now_s))[:MAX_LOOKUPS]


def _is_recent(model: str, memory: EndpointsMemory, now_s: float) -> bool:
    known = memory.get(model)
    return known is not None and 0.0 <= now_s - known.fetched_at_s <= MAX_AGE_S


async def look_up_endpoints(
    models: tuple[str, ...], upstream: Upstream, ports: Ports, memory: EndpointsMemory
) -> None:
    """Fetch the endpoints of these models; what cannot be had is left for another request."""
    from gateway.catalog.endpoints import endpoints_of  # noqa: PLC0415  # few ask for the order by speed

    for model in models:
        try:
            await endpoints_of(model, upstream, ports, memory, max_age_s=MAX_AGE_S)
        except GatewayError as error:
            ports.log("endpoints_not_fetched", model=model, code=error.code)
