"""Where the catalogue comes from: this isolate's memory, KV, OpenRouter.

Fresh within ``CATALOG_TTL_S``; then used as it is while it is fetched anew; and used with its age said when
it cannot be. It is a help and never a condition: no chat fails because it is missing.
"""

import asyncio

from gateway.answers import parse_json
from gateway.catalog import KEY, Catalog, compact, from_stored, to_stored
from gateway.ports import Ports, Reply, TransportError
from gateway.wire import Upstream, UpstreamRequest

FETCH_TIMEOUT_S = 15.0
POLL_S = 0.05
# After a fetch that failed a stale copy is good enough for so long.
RETRY_S = 30.0
# What is stored as from further in the future than clocks may differ was stored by a broken one.
CLOCK_SKEW_S = 60.0


async def current(upstream: Upstream, ports: Ports, *, ttl_s: float) -> Catalog | None:
    """Return the best copy that there is: this isolate's, KV's, or a new one; None where there is none.

    Waits for OpenRouter only when there is no copy at all. A copy older than ``ttl_s`` is returned as it is:
    ``refresh`` fetches another, after the response.
    """
    memory = ports.catalog_memory
    if memory.catalog is None or memory.catalog.age_s(ports.now_s()) > ttl_s:
        stored = from_stored(await ports.cache.get(KEY) or b"")
        known_at_s = memory.catalog.fetched_at_s if memory.catalog else 0.0
        if stored and known_at_s < stored.fetched_at_s <= ports.now_s() + CLOCK_SKEW_S:
            memory.catalog = stored
    if memory.catalog is None:
        await refresh(upstream, ports)
    return memory.catalog


async def at_hand(ports: Ports, *, ttl_s: float) -> Catalog | None:
    """Temporary."""
    assert ttl_s
    return ports.catalog_memory.catalog


def is_due(catalog: Catalog | None, ports: Ports, *, ttl_s: float) -> bool:
    """Return whether a request should fetch the list anew: it is stale, and nobody does or just failed to."""
    now_s, memory = ports.now_s(), ports.catalog_memory
    return (catalog is None or catalog.age_s(now_s) > ttl_s) and now_s >= max(
        memory.retry_at_s, memory.fetching_until_s
    )


async def refresh(upstream: Upstream, ports: Ports) -> bool:
    """Fetch the list anew and store it; return whether it was. One fetch at a time in an isolate.

    A request that comes while another fetches waits for what that one gets.
    """
    memory = ports.catalog_memory
    if memory.fetching_until_s > ports.now_s():
        # Asyncio objects cannot be shared between requests; a number can.
        while memory.fetching_until_s > ports.now_s():  # noqa: ASYNC110  # see above
            await asyncio.sleep(POLL_S)
        return memory.catalog is not None
    memory.fetching_until_s = ports.now_s() + FETCH_TIMEOUT_S
    try:
        async with asyncio.timeout(FETCH_TIMEOUT_S):
            reply, raw = await get(upstream, "/models", ports)
        catalog = compact(parse_json(raw), now_s=ports.now_s()) if reply.status == 200 else None
        stored = to_stored(catalog) if catalog else b""
    except (TimeoutError, TransportError, ValueError):  # a ValueError too for what cannot be stored or shown
        catalog, stored = None, b""
    finally:
        memory.fetching_until_s = 0.0
    if catalog is None:
        memory.retry_at_s = ports.now_s() + RETRY_S
        ports.log("catalog_not_refreshed")
        return False
    memory.catalog = catalog
    await ports.cache.put(KEY, stored)
    return True


async def get(upstream: Upstream, path: str, ports: Ports) -> tuple[Reply, bytes]:
    """Return the upstream's reply to a GET, and its whole body. Cancelling closes the connection.

    Raises:
        TransportError: there was no reply, or it broke off.
    """
    request = UpstreamRequest(upstream=upstream, method="GET", path=path, headers=(), body=b"")
    reply = await ports.transport.send(request)
    try:
        return reply, await reply.read_all()
    except BaseException:
        reply.abort()
        raise
