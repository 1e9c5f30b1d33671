"""Isolates whose OpenRouter serves a scripted list of models."""

import json

from gateway.settings.task_routes import DEFAULT_ROUTES
from simulator.samples import sample
from tests.support.models import HAIKU, listing, model
from tests.support.upstream import Act, reply
from tests.support.world import Answer, MemoryCache, World, finish

TTL_S = 100.0
NO_TASKS = json.dumps({route.name: None for route in DEFAULT_ROUTES})
UPSTREAM_ENDPOINTS = f"/models/{HAIKU}/endpoints"
RECORDED_ENDPOINTS = sample("cat-02-endpoints").text.encode()
OLD, NEW = listing(model("a/old")), listing(model("a/new"))


def world_of(*acts: Act, cache: MemoryCache | None = None) -> World:
    """Return a new isolate; each fetch of OpenRouter's list of models plays one of these acts."""
    world = World({"CATALOG_TTL_S": "100", "TASK_ROUTES": NO_TASKS}, cache=cache or MemoryCache())
    world.upstream.pages["/models"] = acts
    return world


async def ids_of(world: World) -> list[str]:
    """Return the ids of the models that the isolate lists."""
    return ids_in(await world.get("/v1/models"))


def ids_in(got: Answer) -> list[str]:
    """Return the ids of the models in an answer."""
    assert got.status == 200, got.body
    return [each["id"] for each in got.json["data"]]


async def ask_and_let_it_refresh(world: World) -> tuple[Answer, bool]:
    """Return the answer, and whether it started background work; that work has ended."""
    response = await world.begin(b"", method="GET", path="/v1/models")
    went_on = await world.let_run() > 0
    return await finish(response), went_on


def world_with(*acts: Act) -> World:
    """Return an isolate whose OpenRouter has the recorded list; one model's endpoints play these acts."""
    world = world_of(listing())
    world.upstream.pages[UPSTREAM_ENDPOINTS] = acts or (reply(200, RECORDED_ENDPOINTS),)
    return world
