"""A request stays within the calls that the platform allows it."""

import pytest

from tests.support.upstream import fail
from tests.support.world import World


@pytest.mark.anyio
@pytest.mark.parametrize("stream", [False, True])
async def test_a_chain_stops_before_it_has_made_more_calls_than_it_may(stream: bool) -> None:
    models = [f"m/{number}" for number in range(6)]
    world = World({"MAX_ATTEMPTS": "4"})
    for model in models:
        world.script(model, fail(404))

    got = await world.ask(*models, stream=stream)

    assert world.upstream.models == models[:4]
    assert got.error["code"] == "no_endpoints"
    assert [(each["model"], each["reason"]) for each in got.receipt["skipped"]] == [
        ("m/4", "attempts_spent"),
        ("m/5", "attempts_spent"),
    ]


@pytest.mark.anyio
async def test_retries_count_as_calls() -> None:
    world = World({"MAX_ATTEMPTS": "3"}).script("a/one", fail(500))

    await world.ask("a/one", gateway={"retries": 10})

    assert len(world.upstream.received) == 3


@pytest.mark.anyio
async def test_a_stream_that_is_taken_over_makes_no_more_calls_than_any() -> None:
    world = World({"MAX_ATTEMPTS": "1"})

    got = await world.ask("a/one", "b/two", stream=True, gateway={"on_midstream": "restart"})

    assert got.receipt["served"] == "a/one"
