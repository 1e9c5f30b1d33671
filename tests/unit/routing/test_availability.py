"""The order ``fastest`` goes by what OpenRouter says of endpoints, until models have been measured here."""

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


async def test_the_first_request_goes_as_given_and_looks_up_beside_it_what_the_next_goes_by() -> None:
    asked = world()

    await ask(asked, *NAMES, gateway=FASTEST)
    assert asked.upstream.models == ["a/slow"]
    assert len(asked.upstream.got) == 2

    # what it measured itself would count more.
    asked.memory = replace(asked.memory, latencies=Latencies())
    await ask(asked, *NAMES, gateway=FASTEST)
    assert asked.upstream.models == ["a/slow", "b/fast"]


async def test_what_was_measured_here_counts_more_than_what_openrouter_says() -> None:
    asked = world().script("a/slow", answer())
    await ask(asked, *NAMES, gateway=FASTEST)

    await ask(asked, *NAMES, gateway=FASTEST)

    assert asked.upstream.models == ["a/slow", "a/slow"]  # it answered in no time


async def test_a_model_that_failed_here_is_not_fast() -> None:
    asked = world().script("a/slow", fail(503))
    for _ in range(2):
        await ask(asked, *NAMES, gateway=FASTEST)

    assert asked.upstream.models == ["a/slow", "b/fast", "b/fast"]


async def test_endpoints_are_looked_up_again_once_they_are_old() -> None:
    asked = world()
    await ask(asked, *NAMES, gateway=FASTEST)
    await ask(asked, *NAMES, gateway=FASTEST)
    assert len(asked.upstream.got) == 2

    for name in NAMES:
        known = asked.memory.endpoints.get(name)
        assert known is not None
        asked.memory.endpoints.put(name, known._replace(fetched_at_s=known.fetched_at_s - MAX_AGE_S - 1))
    await ask(asked, *NAMES, gateway=FASTEST)
    assert len(asked.upstream.got) == 4


async def test_no_other_order_looks_anything_up() -> None:
    asked = world()

    assert await ask(asked, *NAMES) == 0
    assert await ask(asked, *NAMES, gateway={"order": "cheapest"}) == 0


async def test_a_routes_own_order_looks_up_too() -> None:
    asked = world()
    asked.env = {"TASK_ROUTES": json.dumps({"task/mine": {"models": [*NAMES], "order": "fastest"}})}

    await ask(asked, "c/three", "task/mine")

    assert len(asked.upstream.got) == 2


async def test_a_name_that_is_not_listed_never_becomes_a_path() -> None:
    asked = world()

    await ask(asked, "../../credits", "x/y?z", "b/fast:nitro", gateway=FASTEST)

    assert asked.upstream.got == []


async def test_a_long_chain_is_looked_up_bit_by_bit() -> None:
    asked = world()
    names = [f"m/{number}" for number in range(10)]
    asked.memory.catalog.catalog = catalog_of(*(listed(name) for name in names))
    asked.upstream.pages |= {f"/models/{name}/endpoints": (reply(200, endpoints(1)),) for name in names}

    await ask(asked, *names, gateway=FASTEST)

    assert len(asked.upstream.got) == MAX_LOOKUPS


async def test_endpoints_that_cannot_be_had_do_no_harm() -> None:
    asked = world()
    asked.upstream.pages["/models/a/slow/endpoints"] = (fail(500),)

    await ask(asked, *NAMES, gateway=FASTEST)

    assert [line["model"] for line in asked.events("endpoints_not_fetched")] == ["a/slow"]
    assert asked.memory.endpoints.get("b/fast") is not None
