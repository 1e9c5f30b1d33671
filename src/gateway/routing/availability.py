"""Fetches models' endpoint statistics from OpenRouter, in the background, for the order ``fastest``."""

from gateway.http.errors import GatewayError
from gateway.http.message import OPENROUTER, Upstream
from gateway.memory.catalog import Catalog
from gateway.memory.endpoints import EndpointsMemory
from gateway.memory.ports import Ports
from gateway.routing.chain import Plan

# How old the endpoints may be. Their medians cover half an hour, so they change slowly.
MAX_AGE_S = 300.0
# How many models are looked up for one request, which may make 50 subrequests in all on the free plan.
MAX_LOOKUPS = 4


def models_to_look_up(
    planned: Plan, catalog: Catalog | None, memory: EndpointsMemory, *, now_s: float
) -> tuple[str, ...]:
    """Return the models whose endpoints should be fetched, in the chain's order; none for other orders.

    Only models of the catalogue are returned: a name becomes part of a path upstream, and a caller's name
    may be anything.
    """
    if catalog is None or not planned.by_latency:
        return ()
    names = [each.asked for each in planned.chain if each.upstream == OPENROUTER]
    listed = [model for model in names if (catalog.find(model) or {}).get("id") == model]
    return tuple(model for model in listed if not _is_recent(model, memory, now_s))[:MAX_LOOKUPS]


def _is_recent(model: str, memory: EndpointsMemory, now_s: float) -> bool:
    stored = memory.get(model)
    return stored is not None and 0.0 <= now_s - stored.fetched_at_s <= MAX_AGE_S


async def look_up_endpoints(
    models: tuple[str, ...], upstream: Upstream, ports: Ports, memory: EndpointsMemory
) -> None:
    """Fetch the endpoints of these models into ``memory``. Log failures; a later request retries."""
    from gateway.catalog.endpoints import endpoints_of  # noqa: PLC0415  # few requests use `fastest`

    for model in models:
        try:
            await endpoints_of(model, upstream, ports, memory, max_age_s=MAX_AGE_S)
        except GatewayError as error:
            ports.log("endpoints_not_fetched", model=model, code=error.code)
