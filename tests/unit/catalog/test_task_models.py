import json

import pytest

from gateway.settings.task_routes import DEFAULT_ROUTES
from tests.support.models import listing, model
from tests.support.world import World

pytestmark = pytest.mark.anyio
MINE = {"models": ["a/one", "b/two"], "order": "cheapest", "max_price": {"prompt": 1}, "require": ["tools"]}


def world(**routes: object) -> World:
    world = World({"TASK_ROUTES": json.dumps(routes)} if routes else {})
    world.upstream.pages["/models"] = (listing(model("a/one", name="One")),)
    return world


async def test_task_routes_are_listed_before_the_models() -> None:
    got = await world().get("/v1/models")

    ids = [each["id"] for each in got.json["data"]]
    assert ids == [*(route.name for route in DEFAULT_ROUTES), "a/one"]
    assert got.json["total_count"] == len(ids)


async def test_a_task_route_has_the_form_of_a_model_and_shows_its_chain() -> None:
    got = await world(**{"task/mine": MINE}).get("/v1/models/task/mine")

    assert got.status == 200
    assert (got.json["object"], got.json["owned_by"]) == ("model", "openrouter-edge")
    assert isinstance(got.json["created"], int)
    assert got.json["usd_per_million_tokens"] == {"prompt": None, "completion": None}
    assert got.json["gateway"] == {
        "models": ["a/one", "b/two"],
        "order": "cheapest",
        "weights": {},
        "max_price": {"prompt": 1.0, "completion": None},
        "require": ["tools"],
        "options": {},
    }


async def test_the_description_of_a_task_route_is_its_reason() -> None:
    got = await world().get("/v1/models/task/code")

    assert got.json["description"] == next(
        route.reason for route in DEFAULT_ROUTES if route.name == "task/code"
    )


@pytest.mark.parametrize(
    ("query", "ids"),
    [("q=mine", ["task/mine"]), ("q=one", ["a/one"]), ("max_price=1000", []), ("free=true", [])],
)
async def test_filters_apply_to_task_routes(query: str, ids: list[str]) -> None:
    without = dict.fromkeys(route.name for route in DEFAULT_ROUTES)
    got = await world(**without, **{"task/mine": MINE}).get(f"/v1/models?{query}")

    assert [each["id"] for each in got.json["data"]] == ids


async def test_the_etag_changes_with_the_task_routes() -> None:
    one, other = await world().get("/v1/models"), await world(**{"task/mine": MINE}).get("/v1/models")

    assert one.headers["etag"] != other.headers["etag"]


async def test_a_removed_task_route_is_not_found() -> None:
    got = await world(**{"task/code": None}).get("/v1/models/task/code")

    assert (got.status, got.error["code"]) == (404, "not_found")
