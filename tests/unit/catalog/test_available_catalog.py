import asyncio

import pytest

from gateway.catalog.refresh import CACHE_TIMEOUT_S, LOOK_S, RETRY_S, available_catalog, is_due, refresh
from gateway.catalog.stored_catalog import KEY, catalog_of, to_stored
from gateway.memory.catalog import Catalog, CatalogMemory
from gateway.settings.settings import Settings
from tests.support.catalog_world import NEW, TTL_S, world_of
from tests.support.models import model
from tests.support.upstream import fail
from tests.support.world import ENV, EPOCH_S, MemoryCache, World, now_s

pytestmark = pytest.mark.anyio


def copy_of(name: str, *, at_s: float = 0.0) -> Catalog:
    return catalog_of([model(name)], fetched_at_s=EPOCH_S + at_s)


def world_before(stored: Catalog | None = None, *, own: Catalog | None = None) -> World:
    world = world_of(fail(500))
    world.memory.catalog.catalog = own
    if stored:
        world.cache.values[KEY] = to_stored(stored)
    return world


async def available_id(world: World) -> object:
    catalog = await available_catalog(world.ports, world.memory.catalog, ttl_s=TTL_S)
    return catalog and catalog.models()[0]["id"]


async def test_a_fresh_copy_is_available_without_waiting() -> None:
    world = world_before(own=copy_of("a/own"))
    await asyncio.sleep(TTL_S)

    with pytest.raises(StopIteration) as stopped:
        available_catalog(world.ports, world.memory.catalog, ttl_s=TTL_S).send(None)

    assert stopped.value.value is world.memory.catalog.catalog
    assert world.cache.gets == 0


async def test_without_a_copy_kv_is_read_and_openrouter_is_not_called() -> None:
    empty, filled = world_before(), world_before(copy_of("a/stored"))

    assert (await available_id(empty), await available_id(filled)) == (None, "a/stored")
    assert (empty.upstream.got, filled.upstream.got) == ([], [])


@pytest.mark.parametrize("own", [None, copy_of("a/own", at_s=-TTL_S - 1)], ids=["no copy", "a stale copy"])
async def test_kv_is_read_at_most_once_in_look_s(own: Catalog | None) -> None:
    world = world_before(own=own)

    for _ in range(10):
        await available_id(world)
        await asyncio.sleep(LOOK_S / 10)
    await available_id(world)

    assert world.cache.gets == 2


async def test_a_stale_copy_is_available_until_kv_has_a_newer_one() -> None:
    world = world_before(copy_of("a/older", at_s=-900), own=copy_of("a/own", at_s=-800))

    assert await available_id(world) == "a/own"
    world.cache.values[KEY] = to_stored(copy_of("a/newer"))
    assert await available_id(world) == "a/own"
    await asyncio.sleep(LOOK_S)
    assert await available_id(world) == "a/newer"


async def test_a_kv_that_hangs_delays_one_request_briefly_and_others_not_at_all() -> None:
    world = world_before(copy_of("a/stored"))
    world.cache.pause_s = 1e9

    assert await available_id(world) is None
    assert now_s() == CACHE_TIMEOUT_S
    assert await available_id(world) is None
    assert now_s() == CACHE_TIMEOUT_S
    assert world.events("cache_failed")


async def test_requests_that_begin_together_share_one_read_of_kv() -> None:
    world = world_before(copy_of("a/stored"))
    world.cache.pause_s = 0.2

    got = await asyncio.gather(*(available_id(world) for _ in range(10)))

    assert got == ["a/stored"] * 10
    assert world.cache.gets == 1
    assert now_s() < 0.3


async def test_with_a_stale_copy_no_request_waits_for_anothers_read_of_kv() -> None:
    world = world_before(own=copy_of("a/own", at_s=-800))
    world.cache.pause_s = 1.0
    reading = asyncio.create_task(available_id(world))
    await asyncio.sleep(0.5)

    assert await available_id(world) == "a/own"
    assert now_s() == 0.5
    assert await reading == "a/own"


async def test_a_read_of_kv_that_was_cancelled_does_not_count() -> None:
    world = world_before(copy_of("a/stored"))
    world.cache.pause_s = 1.0
    reading = asyncio.create_task(available_id(world))
    await asyncio.sleep(0.5)
    reading.cancel()
    await asyncio.wait([reading])

    assert await available_id(world) == "a/stored"


class BuggyCache(MemoryCache):
    async def get(self, key: str) -> bytes | None:
        raise AttributeError(key)

    async def put(self, key: str, value: bytes) -> None:
        raise AttributeError(key)


async def test_no_bug_in_kv_raises_an_exception() -> None:
    world = world_of(NEW, cache=BuggyCache())

    assert await available_id(world) is None
    await refresh(Settings.from_env(ENV.get).upstream, world.ports, world.memory.catalog, max_age_s=TTL_S)

    assert await available_id(world) == "a/new"
    assert {str(event["error"]) for event in world.events("internal_error")} == {"AttributeError"}


async def test_a_copy_that_cannot_be_parsed_is_ignored_and_logged() -> None:
    world = world_before()
    world.cache.values[KEY] = b"corrupted"

    assert await available_id(world) is None
    assert world.events("stored_catalog_ignored")


@pytest.mark.parametrize(
    ("catalog", "memory", "due"),
    [
        pytest.param(None, CatalogMemory(), True, id="no copy"),
        pytest.param(copy_of("a/one", at_s=-TTL_S), CatalogMemory(), False, id="a fresh copy"),
        pytest.param(copy_of("a/one", at_s=-TTL_S - 1), CatalogMemory(), True, id="a stale copy"),
        pytest.param(copy_of("a/one", at_s=900), CatalogMemory(), True, id="a copy from the future"),
        pytest.param(None, CatalogMemory(retry_at_s=EPOCH_S + RETRY_S), False, id="a fetch has just failed"),
        pytest.param(None, CatalogMemory(retry_at_s=EPOCH_S), True, id="a fetch failed earlier"),
        pytest.param(None, CatalogMemory(fetching_until_s=EPOCH_S + 1), False, id="a fetch is running"),
        pytest.param(None, CatalogMemory(fetching_until_s=EPOCH_S), True, id="a fetch is overdue"),
    ],
)
def test_a_fetch_is_due_without_a_fresh_copy_and_without_another_fetch(
    catalog: Catalog | None, memory: CatalogMemory, *, due: bool
) -> None:
    assert is_due(catalog, memory, now_s=EPOCH_S, ttl_s=TTL_S) is due


async def test_while_openrouter_fails_and_there_is_no_copy_it_is_called_twice_a_minute() -> None:
    world = world_before()
    upstream = Settings.from_env(ENV.get).upstream

    for _ in range(60):
        catalog = await available_catalog(world.ports, world.memory.catalog, ttl_s=TTL_S)
        if is_due(catalog, world.memory.catalog, now_s=world.ports.now_s(), ttl_s=TTL_S):
            await refresh(upstream, world.ports, world.memory.catalog, max_age_s=TTL_S)
        await asyncio.sleep(1)

    assert world.upstream.got == ["/models"] * 2
