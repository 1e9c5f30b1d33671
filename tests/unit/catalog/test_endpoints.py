import json

import pytest

from gateway.catalog.endpoints import endpoints_of
from gateway.http.errors import GatewayError
from gateway.memory.endpoints import MAX_BYTES, MAX_MODELS, Endpoints, EndpointsMemory
from gateway.settings.settings import Settings
from tests.support.catalog_world import RECORDED_ENDPOINTS, UPSTREAM_ENDPOINTS, world_with
from tests.support.models import HAIKU
from tests.support.upstream import fail, reply
from tests.support.world import ENV, EPOCH_S, World

pytestmark = pytest.mark.anyio
UPSTREAM = Settings.from_env(ENV.get).upstream


async def fetched(world: World, *, max_age_s: float = 10.0) -> Endpoints:
    return await endpoints_of(HAIKU, UPSTREAM, world.ports, world.memory.endpoints, max_age_s=max_age_s)


async def test_openrouters_endpoints_are_returned_with_their_time_and_stored() -> None:
    world = world_with()

    got = await fetched(world)

    assert got.payload == json.loads(got.body) == json.loads(RECORDED_ENDPOINTS)
    assert got.fetched_at_s == EPOCH_S
    assert world.memory.endpoints.get(HAIKU) is got


async def test_each_caller_decides_which_age_is_too_old() -> None:
    world = world_with()
    old = Endpoints(EPOCH_S - 60.0, {"data": {}}, b'{"data":{}}')
    world.memory.endpoints.put(HAIKU, old)

    assert await fetched(world, max_age_s=60.0) is old
    assert world.upstream.got == []
    assert await fetched(world, max_age_s=59.0) is not old
    assert world.upstream.got == [UPSTREAM_ENDPOINTS]


async def test_a_copy_from_the_future_is_fetched_again() -> None:
    world = world_with()
    world.memory.endpoints.put(HAIKU, Endpoints(EPOCH_S + 60.0, {"data": {}}, b'{"data":{}}'))

    assert (await fetched(world)).fetched_at_s == EPOCH_S


@pytest.mark.parametrize("act", [fail(500), fail(404), reply(200, b"<html>")], ids=["500", "404", "html"])
async def test_a_failure_is_raised_and_leaves_the_stored_copy(act: object) -> None:
    world = world_with(act)  # type: ignore[arg-type]
    old = Endpoints(EPOCH_S - 60.0, {"data": {}}, b'{"data":{}}')
    world.memory.endpoints.put(HAIKU, old)

    with pytest.raises(GatewayError):
        await fetched(world)

    assert world.memory.endpoints.get(HAIKU) is old


def of_size(size: int) -> Endpoints:
    return Endpoints(0.0, {}, b"x" * size)


def test_the_oldest_entry_is_evicted() -> None:
    memory = EndpointsMemory()
    for number in range(MAX_MODELS):
        memory.put(f"a/{number}", of_size(10))

    memory.put("a/0", of_size(20))
    memory.put("a/last", of_size(10))

    assert memory.get("a/1") is None
    assert memory.get("a/0") == of_size(20)
    assert all(memory.get(f"a/{number}") for number in range(2, MAX_MODELS))
    assert memory.get("a/last")


def test_large_entries_are_evicted_by_their_size() -> None:
    memory = EndpointsMemory()
    for name in ("a/one", "a/two", "a/three"):
        memory.put(name, of_size(MAX_BYTES // 2))

    assert [bool(memory.get(name)) for name in ("a/one", "a/two", "a/three")] == [False, True, True]


def test_an_entry_above_the_size_limit_is_not_stored_and_does_not_affect_others() -> None:
    memory = EndpointsMemory()
    memory.put("a/one", of_size(MAX_BYTES + 1))
    memory.put("a/two", of_size(MAX_BYTES))

    assert memory.get("a/one") is None
    assert memory.get("a/two")
