"""Where the catalogue comes from: this isolate's memory, KV, OpenRouter.

Fresh within ``CATALOG_TTL_S``; then used as it is while it is fetched anew; and used with its age said when
it cannot be. It is a help and never a condition: no chat fails because it is missing.
"""

import asyncio

from gateway.catalog.compact import compact
from gateway.catalog.stored_catalog import KEY, from_stored, to_stored
from gateway.http.json_bytes import parse_json
from gateway.http.message import TransportError, Upstream
from gateway.memory.catalog import Catalog, CatalogMemory
from gateway.memory.get import get
from gateway.memory.ports import Ports

FETCH_TIMEOUT_S = 15.0
CACHE_TIMEOUT_S = 2.0
STORE_TIMEOUT_S = 10.0
POLL_S = 0.05
# KV itself may show what another wrote a minute later: to look more often is of no use.
# Source: Cloudflare "How KV works".
LOOK_S = 30.0
JUST_LOOKED_S = 1.0
# After a fetch that failed a stale copy is good enough for so long.
RETRY_S = 30.0
# What is from further in the future than clocks may differ has its time from a broken one.
CLOCK_SKEW_S = 60.0
# KV refuses more than 25 MiB. Source: Cloudflare "KV limits".
MAX_STORED_BYTES = 20 * 1024 * 1024


async def available_catalog(ports: Ports, memory: CatalogMemory, *, ttl_s: float) -> Catalog | None:
    """Return the copy that this isolate has, or else KV; None where there is none. Never raises.

    Made for every request: with a copy younger than ``ttl_s`` it waits for nothing, and without one KV is
    looked into now and then only, for ``CACHE_TIMEOUT_S`` at the most. A stale copy is returned as it is.
    """
    now_s = ports.now_s()
    if _is_fresh(memory.catalog, now_s, ttl_s):
        return memory.catalog
    if not 0.0 <= now_s - memory.looked_at_s < LOOK_S:
        await _look(ports, memory)
    elif memory.catalog is None:
        while memory.looking_until_s > ports.now_s():  # noqa: ASYNC110  # another looks: see CatalogMemory
            await asyncio.sleep(POLL_S)
    return memory.catalog


async def current_catalog(
    upstream: Upstream, ports: Ports, memory: CatalogMemory, *, ttl_s: float
) -> Catalog | None:
    """Return the best copy that there is: one at hand, or else a new one; None where there is none.

    Waits for OpenRouter only when there is no copy at all. A copy older than ``ttl_s`` is returned as it is:
    ``refresh`` fetches another, after the response.
    """
    catalog = await available_catalog(ports, memory, ttl_s=ttl_s)
    if catalog is None:
        await refresh(upstream, ports, memory, max_age_s=ttl_s)
    return memory.catalog


def is_due(catalog: Catalog | None, memory: CatalogMemory, *, now_s: float, ttl_s: float) -> bool:
    """Return whether a request should fetch the list anew, beside its own work.

    So it is when there is no copy, or it is stale, and nobody fetches or has just failed to.
    """
    return not _is_fresh(catalog, now_s, ttl_s) and now_s >= max(memory.retry_at_s, memory.fetching_until_s)


def refresh_in_background(
    catalog: Catalog | None, upstream: Upstream, ports: Ports, memory: CatalogMemory, *, ttl_s: float
) -> None:
    """Fetch the list anew beside the response, where that is due by the copy that the request has."""
    if is_due(catalog, memory, now_s=ports.now_s(), ttl_s=ttl_s):
        ports.run_in_background(lambda: refresh(upstream, ports, memory, max_age_s=ttl_s))


async def refresh(upstream: Upstream, ports: Ports, memory: CatalogMemory, *, max_age_s: float) -> None:
    """Get a copy not older than ``max_age_s``: from KV, where another isolate has been faster, or OpenRouter.

    One fetch at a time in an isolate: who comes meanwhile waits for what comes of it, and takes over when it
    was cancelled, or is overdue. A new copy is stored in KV. A failure is logged, and leaves what there was.
    """
    while memory.fetching_until_s > ports.now_s():
        ended_before = memory.fetches_ended
        await asyncio.sleep(POLL_S)
        if memory.fetches_ended != ended_before:
            return
    until_s = memory.fetching_until_s = ports.now_s() + CACHE_TIMEOUT_S + FETCH_TIMEOUT_S
    new = None
    try:
        has_just_looked = 0.0 <= ports.now_s() - memory.looked_at_s < JUST_LOOKED_S
        stored = memory.catalog if has_just_looked else await _look(ports, memory)
        if not _is_fresh(stored, ports.now_s(), max_age_s):
            new = await _fetch(upstream, ports, memory)
        memory.fetches_ended += 1
    finally:
        if memory.fetching_until_s == until_s:
            memory.fetching_until_s = 0.0
    if new is not None:
        await _store(new, ports)


async def _look(ports: Ports, memory: CatalogMemory) -> Catalog | None:
    """Return what KV holds, if that is of use; this isolate keeps it where its own copy is older."""
    memory.looked_at_s = ports.now_s()
    until_s = memory.looking_until_s = memory.looked_at_s + CACHE_TIMEOUT_S
    stored = None
    try:
        async with ports.within(CACHE_TIMEOUT_S):
            raw = await ports.cache.get(KEY)
        stored = from_stored(raw) if raw else None
        if raw and stored is None:
            ports.log("stored_catalog_ignored")
    except TimeoutError:
        ports.log("cache_failed", error="TimeoutError")
    except asyncio.CancelledError:
        memory.looked_at_s = float("-inf")  # nothing was seen: the next one looks
        raise
    except Exception as error:  # noqa: BLE001  # never a condition: no request may fail of it
        ports.log_bug(error)
    finally:
        if memory.looking_until_s == until_s:
            memory.looking_until_s = 0.0
    memory.looked_at_s = ports.now_s()
    if stored is None or _is_from_the_future(stored, ports.now_s()):
        return None
    own = memory.catalog
    if own is None or own.fetched_at_s < stored.fetched_at_s or _is_from_the_future(own, ports.now_s()):
        memory.catalog = stored
    return stored


async def _fetch(upstream: Upstream, ports: Ports, memory: CatalogMemory) -> Catalog | None:
    """Return a new copy, which this isolate keeps; None where OpenRouter has none to give."""
    try:
        async with ports.within(FETCH_TIMEOUT_S):
            reply, raw = await get(upstream, "/models", ports)
        new = compact(parse_json(raw), now_s=ports.now_s()) if reply.status == 200 else None
    except (TimeoutError, TransportError, ValueError):  # a ValueError too for what cannot be stored or shown
        new = None
    except Exception as error:  # noqa: BLE001  # as above
        ports.log_bug(error)
        new = None
    if new is None:
        memory.retry_at_s = ports.now_s() + RETRY_S
        ports.log("catalog_not_refreshed")
        return None
    memory.catalog = new
    return new


async def _store(catalog: Catalog, ports: Ports) -> None:
    """Put the copy into KV, if that can be done."""
    stored = to_stored(catalog)
    if len(stored) > MAX_STORED_BYTES:
        ports.log("catalog_not_stored", bytes=len(stored))
        return
    try:
        async with ports.within(STORE_TIMEOUT_S):
            await ports.cache.put(KEY, stored)
    except TimeoutError:
        ports.log("cache_failed", error="TimeoutError")
    except Exception as error:  # noqa: BLE001  # as above
        ports.log_bug(error)


def _is_fresh(catalog: Catalog | None, now_s: float, ttl_s: float) -> bool:
    return catalog is not None and not _is_from_the_future(catalog, now_s) and catalog.age_s(now_s) <= ttl_s


def _is_from_the_future(catalog: Catalog, now_s: float) -> bool:
    return catalog.fetched_at_s > now_s + CLOCK_SKEW_S
