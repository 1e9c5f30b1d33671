"""A request stays within the platform's limits of calls and of open connections."""

import asyncio

import httpx
import pytest

from tests.support.models import listing, model
from tests.support.upstream import Act, fail
from tests.support.world import World


@pytest.mark.anyio
@pytest.mark.parametrize("stream", [False, True])
async def test_a_chain_makes_at_most_max_attempts_calls(stream: bool) -> None:
    models = [f"m/{number}" for number in range(6)]
    world = World({"MAX_ATTEMPTS": "4"})
    for name in models:
        world.script(name, fail(404))

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
async def test_a_stream_that_may_be_taken_over_makes_at_most_max_attempts_calls() -> None:
    world = World({"MAX_ATTEMPTS": "1"})

    got = await world.ask("a/one", "b/two", stream=True, gateway={"on_midstream": "restart"})

    assert got.receipt["served"] == "a/one"


class Connections:
    """Counts the calls that wait for their reply's headers; the runtime allows six at once."""

    def __init__(self) -> None:
        self.open = 0
        self.most = 0

    def during(self, act: Act, pause_s: float = 1.0) -> Act:
        """Return the act, after a pause in which its call counts as open."""

        async def counted(request: httpx.Request) -> httpx.Response:
            self.open += 1
            self.most = max(self.most, self.open)
            try:
                await asyncio.sleep(pause_s)
                return await act(request)
            finally:
                self.open -= 1

        return counted


@pytest.mark.anyio
async def test_at_most_four_connections_wait_at_once_whatever_a_request_asks_for() -> None:
    models, found = [f"m/{number}" for number in range(8)], Connections()
    world = World({"CATALOG_TTL_S": "60"})
    world.upstream.pages["/models"] = (found.during(listing(*map(model, models)), 10.0),)
    for name in models:
        world.script(name, found.during(fail(404)))
        world.upstream.pages[f"/models/{name}/endpoints"] = (found.during(fail(503), 10.0),)
    await world.ask(models[0])
    await world.let_run()
    await asyncio.sleep(100)  # the model list is stale by now
    found.most = 0

    asking = asyncio.ensure_future(world.ask(*models, gateway={"hedge_ms": 100, "order": "fastest"}))
    await asyncio.sleep(0.1)
    assert len(world.background) == 2  # refreshing the model list, and the models' endpoints
    await asyncio.gather(asking, *(work() for work in world.background))

    assert len(world.upstream.received) >= len(models)
    assert found.most == 4
