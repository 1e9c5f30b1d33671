"""The order ``fastest`` uses OpenRouter's endpoint statistics until models have been measured here."""

import json
from dataclasses import replace

import pytest

from gateway.memory.latencies import Latencies
from gateway.routing.availability import MAX_AGE_S, MAX_LOOKUPS
from tests.support.planning import catalog_of, listed
from tests.support.upstream import answer, fail, reply
from tests.support.world import World, chat, finish

pytestmark = pytest.mark.anyio
FASTEST = {"order": "fastest"}
NAMES = ("a/slow", "b/fast")


def endpoints(latency_ms: float) -> bytes:
    endpoint = {"latency_last_30m": {"p50": latency_ms}, "throughput_last_30m": {"p50": 100}, "status": 0}
    return json.dumps({"data": {"endpoints": [endpoint]}}).encode()


def world() -> World:
    world = World()
    world.memory.catalog.catalog = catalog_of(*(listed(name) for name in NAMES))
    for name, latency_ms in (("a/slow", 3_000), ("b/fast", 200)):
        world.upstream.pages[f"/models/{name}/endpoints"] = (reply(200, endpoints(latency_ms)),)
    return world


async def ask(world: World, *models: str, gateway: object = None) -> int:
    await finish(await world.begin(chat(*models, gateway=gateway)))
    return await world.let_run()


async def test_the_first_request_looks_up_endpoints_in_the_background_for_the_next() -> None:
    fake = world()

    await ask(fake, *NAMES, gateway=FASTEST)
    assert fake.upstream.models == ["a/slow"]
    assert len(fake.upstream.got) == 2

    # Forget the isolate's own measurements, which would take precedence.
    fake.memory = replace(fake.memory, latencies=Latencies())
    await ask(fake, *NAMES, gateway=FASTEST)
    assert fake.upstream.models == ["a/slow", "b/fast"]


async def test_measured_latencies_override_openrouters_statistics() -> None:
    fake = world().script("a/slow", answer())
    await ask(fake, *NAMES, gateway=FASTEST)

    await ask(fake, *NAMES, gateway=FASTEST)

    assert fake.upstream.models == ["a/slow", "a/slow"]  # its measured latency is 0


async def test_a_model_that_failed_does_not_count_as_fast() -> None:
    fake = world().script("a/slow", fail(503))
    for _ in range(2):
        await ask(fake, *NAMES, gateway=FASTEST)

    assert fake.upstream.models == ["a/slow", "b/fast", "b/fast"]


async def test_endpoints_are_looked_up_again_once_they_are_old() -> None:
    fake = world()
    await ask(fake, *NAMES, gateway=FASTEST)
    await ask(fake, *NAMES, gateway=FASTEST)
    assert len(fake.upstream.got) == 2

    for name in NAMES:
        stored = fake.memory.endpoints.get(name)
        assert stored is not None
        fake.memory.endpoints.put(name, stored._replace(fetched_at_s=stored.fetched_at_s - MAX_AGE_S - 1))
    await ask(fake, *NAMES, gateway=FASTEST)
    assert len(fake.upstream.got) == 4


async def test_other_orders_look_up_no_endpoints() -> None:
    fake = world()

    assert await ask(fake, *NAMES) == 0
    assert await ask(fake, *NAMES, gateway={"order": "cheapest"}) == 0


async def test_a_routes_own_order_looks_up_endpoints_too() -> None:
    fake = world()
    fake.env = {"TASK_ROUTES": json.dumps({"task/mine": {"models": [*NAMES], "order": "fastest"}})}

    await ask(fake, "c/three", "task/mine")

    assert len(fake.upstream.got) == 2


async def test_an_unlisted_name_never_becomes_part_of_a_path() -> None:
    fake = world()

    await ask(fake, "../../credits", "x/y?z", "b/fast:nitro", gateway=FASTEST)

    assert fake.upstream.got == []


async def test_one_request_looks_up_at_most_max_lookups_models() -> None:
    fake = world()
    names = [f"m/{number}" for number in range(10)]
    fake.memory.catalog.catalog = catalog_of(*(listed(name) for name in names))
    fake.upstream.pages |= {f"/models/{name}/endpoints": (reply(200, endpoints(1)),) for name in names}

    await ask(fake, *names, gateway=FASTEST)

    assert len(fake.upstream.got) == MAX_LOOKUPS


async def test_a_failed_lookup_is_logged_and_does_no_harm() -> None:
    fake = world()
    fake.upstream.pages["/models/a/slow/endpoints"] = (fail(500),)

    await ask(fake, *NAMES, gateway=FASTEST)

    assert [line["model"] for line in fake.events("endpoints_not_fetched")] == ["a/slow"]
    assert fake.memory.endpoints.get("b/fast") is not None
