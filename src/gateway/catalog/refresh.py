"""Gets the catalogue from this isolate's memory, from KV or from OpenRouter, and refreshes it.

A copy is fresh for ``CATALOG_TTL_S``. After that it is stale: it is still used while a new one is fetched in
the background (stale-while-revalidate). If the fetch fails, the stale copy is still used, with its age in the
response. The catalogue is optional: no chat fails because it is missing.
"""

import asyncio

from gateway.catalog.compact import compact
from gateway.catalog.stored_catalog import KEY, from_stored, to_stored
from gateway.http.json_bytes import parse_json
from gateway.http.message import TransportError, Upstream
from gateway.memory.catalog import Catalog, CatalogMemory
from gateway.memory.get import get
from gateway.memory.ports import Ports
from gateway.memory.waiting import pause

FETCH_TIMEOUT_S = 15.0
CACHE_TIMEOUT_S = 2.0
STORE_TIMEOUT_S = 10.0
POLL_S = 0.05
# KV may show another isolate's write only after a minute, so more frequent reads are useless.
# Source: Cloudflare "How KV works".
LOOK_S = 30.0
JUST_LOOKED_S = 1.0
# After a failed fetch a stale copy is used for this time before a request starts another fetch.
RETRY_S = 30.0
# Clocks may differ by this much. A copy from further in the future was dated by a wrong clock.
CLOCK_SKEW_S = 60.0
# OpenRouter's list has 1.5 MB.
MAX_REPLY_BYTES = 20 * 1024 * 1024
# KV refuses more than 25 MiB. Source: Cloudflare "KV limits".
MAX_STORED_BYTES = 20 * 1024 * 1024


async def available_catalog(ports: Ports, memory: CatalogMemory, *, ttl_s: float) -> Catalog | None:
    """Return this isolate's copy or the one in KV; None if there is none. Never calls OpenRouter or raises.

    It is cheap enough for every request. With a copy younger than ``ttl_s`` it waits for nothing. Otherwise
    KV is read at most once in ``LOOK_S``, which takes ``CACHE_TIMEOUT_S`` at most. If there is no copy and
    another request is reading KV, it waits for that. A stale copy is returned as it is.
    """
    now_s = ports.now_s()
    _drop_damaged(ports, memory)
    if _is_fresh(memory.catalog, now_s, ttl_s):
        return memory.catalog
    if not 0.0 <= now_s - memory.looked_at_s < LOOK_S:
        await _read_kv(ports, memory)
    elif memory.catalog is None:
        while memory.looking_until_s > ports.now_s():  # another request reads KV
            await pause(POLL_S, ports)
    return memory.catalog


async def current_catalog(
    upstream: Upstream, ports: Ports, memory: CatalogMemory, *, ttl_s: float
) -> Catalog | None:
    """Return an available copy, or fetch one; None if that fails.

    It waits for OpenRouter only if there is no copy at all. A copy older than ``ttl_s`` is returned as it is;
    call ``refresh_in_background`` to replace it.
    """
    catalog = await available_catalog(ports, memory, ttl_s=ttl_s)
    if catalog is None:
        await refresh(upstream, ports, memory, max_age_s=ttl_s)
    return memory.catalog


async def checked_catalog(
    upstream: Upstream, ports: Ports, memory: CatalogMemory, *, ttl_s: float
) -> Catalog | None:
    """Return an available copy of which every model is usable, or fetch one; None if that fails."""
    catalog = await current_catalog(upstream, ports, memory, ttl_s=ttl_s)
    if catalog is not None and not catalog.check():
        _drop_damaged(ports, memory)
        catalog = await current_catalog(upstream, ports, memory, ttl_s=ttl_s)
    return catalog if catalog is not None and catalog.check() else None


def is_due(catalog: Catalog | None, memory: CatalogMemory, *, now_s: float, ttl_s: float) -> bool:
    """Return whether a request should fetch the list in the background.

    It should if there is no fresh copy, no other request is fetching, and no fetch failed in the last
    ``RETRY_S``.
    """
    return not _is_fresh(catalog, now_s, ttl_s) and now_s >= max(memory.retry_at_s, memory.fetching_until_s)


def refresh_in_background(
    catalog: Catalog | None, upstream: Upstream, ports: Ports, memory: CatalogMemory, *, ttl_s: float
) -> None:
    """Fetch the list in the background if ``is_due`` for ``catalog``, the copy that the request uses."""
    if is_due(catalog, memory, now_s=ports.now_s(), ttl_s=ttl_s):
        ports.run_in_background(lambda: refresh(upstream, ports, memory, max_age_s=ttl_s))


async def refresh(upstream: Upstream, ports: Ports, memory: CatalogMemory, *, max_age_s: float) -> None:
    """Get a copy of at most ``max_age_s``: from KV if another isolate has stored one, else from OpenRouter.

    An isolate runs one fetch at a time. A concurrent call waits for the outcome of that fetch, and takes over
    if the fetch is cancelled or overdue. A new copy is stored in KV. A failure is logged, and the previous
    copy stays.
    """
    while memory.fetching_until_s > ports.now_s():
        ended_before = memory.fetches_ended
        await pause(POLL_S, ports)
        if memory.fetches_ended != ended_before:
            return
    until_s = memory.fetching_until_s = ports.now_s() + CACHE_TIMEOUT_S + FETCH_TIMEOUT_S
    new = None
    try:
        has_just_read_kv = 0.0 <= ports.now_s() - memory.looked_at_s < JUST_LOOKED_S
        stored = memory.catalog if has_just_read_kv else await _read_kv(ports, memory)
        if stored is not None and not stored.check():
            _drop_damaged(ports, memory)
            stored = None
        if not _is_fresh(stored, ports.now_s(), max_age_s):
            new = await _fetch(upstream, ports, memory)
        memory.fetches_ended += 1
    finally:
        if memory.fetching_until_s == until_s:
            memory.fetching_until_s = 0.0
    if new is not None:
        await _store(new, ports)


async def _read_kv(ports: Ports, memory: CatalogMemory) -> Catalog | None:
    """Return the copy in KV, None if it is not usable; if newer, it replaces this isolate's copy."""
    memory.looked_at_s = ports.now_s()
    until_s = memory.looking_until_s = memory.looked_at_s + CACHE_TIMEOUT_S
    stored = None
    try:
        async with ports.within(CACHE_TIMEOUT_S):
            raw = await ports.cache.get(KEY)
        stored = from_stored(raw) if raw else None
        if raw and (stored is None or stored.crc32 == memory.damaged_crc32):
            stored = None
            ports.log("stored_catalog_ignored")
    except TimeoutError:
        ports.log("cache_failed", error="TimeoutError")
    except asyncio.CancelledError:
        memory.looked_at_s = float("-inf")  # nothing was read: the next request reads KV at once
        raise
    except Exception as error:  # noqa: BLE001  # the catalogue is optional: no request may fail
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
    """Fetch the list from OpenRouter into this isolate's memory, and return the copy; None on failure."""
    try:
        async with ports.within(FETCH_TIMEOUT_S):
            reply, raw = await get(upstream, "/models", ports, limit_bytes=MAX_REPLY_BYTES)
        new = compact(parse_json(raw), now_s=ports.now_s()) if reply.status == 200 else None
    except (TimeoutError, TransportError, ValueError):  # ValueError: not JSON, or not representable as JSON
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
    """Store the copy in KV, if possible."""
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


def _drop_damaged(ports: Ports, memory: CatalogMemory) -> None:
    """Forget this isolate's copy if it was found damaged, and ignore the stored value that it came from."""
    catalog = memory.catalog
    if catalog is not None and catalog.is_damaged:
        memory.catalog, memory.damaged_crc32 = None, catalog.crc32
        ports.log("stored_catalog_ignored")


def _is_fresh(catalog: Catalog | None, now_s: float, ttl_s: float) -> bool:
    if catalog is None or catalog.is_damaged or _is_from_the_future(catalog, now_s):
        return False
    return catalog.age_s(now_s) <= ttl_s


def _is_from_the_future(catalog: Catalog, now_s: float) -> bool:
    return catalog.fetched_at_s > now_s + CLOCK_SKEW_S
