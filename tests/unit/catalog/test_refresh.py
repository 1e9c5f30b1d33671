import asyncio

import pytest

from gateway.app import run_cron
from gateway.catalog.stored_catalog import KEY, from_stored, to_stored
from gateway.settings.settings import Settings
from tests.support.catalog_world import NEW, OLD, TTL_S, ask_and_let_it_refresh, ids_in, ids_of, world_of
from tests.support.models import listing, recorded_models
from tests.support.upstream import Act, after, fail
from tests.support.world import ENV, EPOCH_S, MemoryCache, World, finish, now_s

pytestmark = pytest.mark.anyio


async def kv_with(act: Act) -> MemoryCache:
    """Return a KV in which another isolate has stored the list."""
    other = world_of(act)
    await other.get("/v1/models")
    return other.cache


async def test_a_cold_isolate_with_an_empty_kv_fetches_the_list_and_stores_it() -> None:
    world = world_of(listing())

    assert await ids_of(world) == [each["id"] for each in recorded_models()]

    assert world.upstream.got == ["/models"]
    stored, in_memory = from_stored(world.cache.values[KEY]), world.memory.catalog.catalog
    assert stored is not None
    assert in_memory is not None
    assert to_stored(stored) == to_stored(in_memory)


async def test_a_cold_isolate_uses_the_copy_that_another_has_stored() -> None:
    world = world_of(fail(500), cache=await kv_with(NEW))

    assert await ids_of(world) == ["a/new"]
    assert world.upstream.got == []


async def test_a_warm_isolate_neither_calls_openrouter_nor_reads_kv() -> None:
    world = world_of(NEW)
    await ids_of(world)
    world.cache.values.clear()
    await asyncio.sleep(TTL_S)

    got, has_refreshed = await ask_and_let_it_refresh(world)

    assert (ids_in(got), has_refreshed) == (["a/new"], False)
    assert len(world.upstream.got) == 1


async def test_a_stale_copy_is_returned_at_once_while_another_is_fetched_in_the_background() -> None:
    world = world_of(OLD, after(9.0, NEW))
    await ids_of(world)
    await asyncio.sleep(TTL_S + 1)
    began_s = now_s()

    response = await world.begin(b"", method="GET", path="/v1/models")
    got = await finish(response)
    assert (ids_in(got), got.headers["age"], now_s()) == (["a/old"], "101", began_s)
    assert await world.let_run() == 1

    assert await ids_of(world) == ["a/new"]
    assert world.upstream.got == ["/models"] * 2
    stored = from_stored(world.cache.values[KEY])
    assert stored is not None
    assert stored.fetched_at_s == EPOCH_S + now_s()


async def test_a_stale_isolate_uses_the_copy_that_another_has_stored_since() -> None:
    world = world_of(OLD)
    await ids_of(world)
    await asyncio.sleep(TTL_S + 1)
    world.cache.values[KEY] = (await kv_with(NEW)).values[KEY]

    got, has_refreshed = await ask_and_let_it_refresh(world)

    assert (ids_in(got), got.headers["age"], has_refreshed) == (["a/new"], "0", False)
    assert len(world.upstream.got) == 1


async def test_an_older_copy_in_kv_does_not_replace_a_newer_one() -> None:
    older = (await kv_with(OLD)).values[KEY]
    await asyncio.sleep(10)
    world = world_of(NEW)
    await ids_of(world)
    world.cache.values[KEY] = older
    await asyncio.sleep(TTL_S + 1)

    assert await ids_of(world) == ["a/new"]


class BrokenCache(MemoryCache):
    """A KV that fails. As ``gateway.memory.ports.Cache`` specifies, it returns None and raises nothing."""

    async def get(self, key: str) -> bytes | None:
        return None

    async def put(self, key: str, value: bytes) -> None:
        return None


async def test_a_kv_that_fails_changes_nothing() -> None:
    world = world_of(OLD, NEW, cache=BrokenCache())

    assert await ids_of(world) == ["a/old"]
    assert await ids_of(world) == ["a/old"]
    await asyncio.sleep(TTL_S + 1)
    await ask_and_let_it_refresh(world)
    assert await ids_of(world) == ["a/new"]
    assert len(world.upstream.got) == 2


@pytest.mark.parametrize(
    "raw", [b"", b"{", b"<html>", b'{"version":2,"at_s":1,"models":[]}', b"\xff", b"null"]
)
async def test_a_corrupted_copy_in_kv_is_ignored_and_replaced(raw: bytes) -> None:
    world = world_of(NEW)
    world.cache.values[KEY] = raw

    assert await ids_of(world) == ["a/new"]
    assert from_stored(world.cache.values[KEY]) is not None


async def test_a_stale_isolate_uses_the_copy_that_another_has_stored_since_its_last_read_of_kv() -> None:
    world = world_of(OLD)
    await ids_of(world)
    await asyncio.sleep(TTL_S + 1)
    await world.begin(b"", method="GET", path="/v1/models")
    await asyncio.sleep(10)
    world.cache.values[KEY] = (await kv_with(NEW)).values[KEY]

    assert await world.let_run() == 1

    assert await ids_of(world) == ["a/new"]
    assert (len(world.upstream.got), world.cache.puts) == (1, 1)


async def test_many_isolates_whose_copy_has_become_stale_fetch_and_write_it_once() -> None:
    first = world_of(OLD, NEW)
    await ids_of(first)
    others = [world_of(fail(500), cache=first.cache) for _ in range(10)]
    for other in others:
        await ids_of(other)
    await asyncio.sleep(TTL_S + 1)

    for world in (first, *others):
        await ask_and_let_it_refresh(world)
        assert await ids_of(world) == ["a/new"]

    assert first.cache.puts == 2
    assert [each for other in others for each in other.upstream.got] == []


async def test_a_value_too_large_for_kv_stays_in_memory_only(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gateway.catalog.refresh.MAX_STORED_BYTES", 100)
    world = world_of(NEW)

    assert await ids_of(world) == ["a/new"]

    assert world.cache.puts == 0
    assert world.events("catalog_not_stored")


async def cron(world: World) -> None:
    await run_cron(Settings.from_env({**ENV, **world.env}.get), world.ports, world.memory)


async def test_the_cron_trigger_fetches_the_list_although_the_copy_is_fresh() -> None:
    world = world_of(OLD, NEW)
    await ids_of(world)
    await asyncio.sleep(TTL_S / 2)

    await cron(world)

    assert await ids_of(world_of(fail(500), cache=world.cache)) == ["a/new"]
    assert world.upstream.got == ["/models"] * 2


async def test_the_cron_trigger_does_not_replace_a_copy_that_was_just_fetched() -> None:
    cache = await kv_with(NEW)
    world = world_of(OLD, cache=cache)

    await cron(world)

    assert (world.upstream.got, cache.puts) == ([], 1)


async def test_the_cron_trigger_fills_a_kv_that_has_lost_its_copy() -> None:
    world = world_of(OLD, NEW)
    await ids_of(world)
    await asyncio.sleep(5)
    world.cache.values.clear()

    await cron(world)

    assert from_stored(world.cache.values[KEY]) is not None
    assert await ids_of(world) == ["a/new"]


async def test_a_cron_trigger_that_fails_leaves_the_copy_and_logs_the_failure() -> None:
    world = world_of(OLD, fail(500))
    await ids_of(world)
    await asyncio.sleep(TTL_S)

    await cron(world)

    assert await ids_of(world) == ["a/old"]
    assert world.events("catalog_not_refreshed")
