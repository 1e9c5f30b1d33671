"""Where the catalogue comes from: this isolate's memory, KV, OpenRouter.

Fresh within ``CATALOG_TTL_S``; then used as it is while it is fetched anew; and used with its age said when
it cannot be. It is a help and never a condition: no chat fails because it is missing.
"""

import asyncio

from gateway.answers import parse_json
from gateway.catalog import Catalog, compact, from_stored, to_stored
from gateway.ports import Ports, TransportError
from gateway.wire import Json, Upstream, UpstreamRequest

KEY = "catalog"
FETCH_TIMEOUT_S = 15.0
POLL_S = 0.05


async def current(upstream: Upstream, ports: Ports, *, ttl_s: float) -> Catalog | None:
    """Return the best copy that there is: this isolate's, KV's, or a new one; None where there is none.

    Waits for OpenRouter only when there is no copy at all. A copy older than ``ttl_s`` is returned as it is:
    ``refresh`` fetches another, after the response.
    """
    memory = ports.catalog_memory
    if memory.catalog is None or memory.catalog.age_s(ports.now_s()) > ttl_s:
        stored = from_stored(await ports.cache.get(KEY) or b"")
        if stored and (memory.catalog is None or stored.fetched_at_s > memory.catalog.fetched_at_s):
            memory.catalog = stored
    if memory.catalog is None:
        await refresh(upstream, ports)
    return memory.catalog


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
            catalog = compact(await _fetch(upstream, ports), now_s=ports.now_s())
    except (TimeoutError, TransportError, ValueError):
        catalog = None
    finally:
        memory.fetching_until_s = 0.0
    if catalog is None:
        ports.log("catalog_not_refreshed")
        return False
    memory.catalog = catalog
    await ports.cache.put(KEY, to_stored(catalog))
    return True


async def _fetch(upstream: Upstream, ports: Ports) -> Json:
    request = UpstreamRequest(upstream=upstream, method="GET", path="/models", headers=(), body=b"")
    reply = await ports.transport.send(request)
    try:
        return parse_json(await reply.read_all()) if reply.status == 200 else None
    except BaseException:
        reply.abort()
        raise
