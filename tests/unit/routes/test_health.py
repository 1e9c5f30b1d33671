import json

import pytest

from gateway.settings.task_routes import DEFAULT_ROUTES
from tests.support.coordinators import Coordinators
from tests.support.models import listing, model
from tests.support.upstream import fail
from tests.support.world import TOKEN, UPSTREAM_KEY, World, finish

pytestmark = pytest.mark.anyio
DEEP = "/health?deep=1"
LISTED = [model(name) for name in {name for route in DEFAULT_ROUTES for name in route.models}]


def world(*models: dict[str, object], **env: str) -> World:
    world = World(env)
    world.upstream.pages["/models"] = (listing(*models) if models else fail(503),)
    return world


async def test_deep_health_is_ok_if_every_chain_is_listed() -> None:
    got = await world(*LISTED, model("a/one")).get(DEEP)

    assert got.json["status"] == "ok"
    assert got.json["catalog"] == {"models": len(LISTED) + 1, "age_s": 0, "fresh": True}
    assert got.json["upstreams"] == ["openrouter"]
    assert {name: each["not_listed"] for name, each in got.json["chains"].items()} == {
        **{route.name: [] for route in DEFAULT_ROUTES},
        "DEFAULT_MODEL, FALLBACK_MODELS": [],
    }


async def test_a_model_that_has_left_the_catalogue_is_reported() -> None:
    listed = [each for each in LISTED if each["id"] != "~z-ai/glm-latest"]
    got = await world(*listed, model("a/one")).get(DEEP)

    assert got.json["status"] == "degraded"
    assert got.json["chains"]["task/code"]["not_listed"] == ["~z-ai/glm-latest"]
    assert got.json["chains"]["task/reasoning"]["not_listed"] == []


async def test_presets_tasks_and_direct_models_are_not_reported() -> None:
    routes = {route.name: None for route in DEFAULT_ROUTES}
    declared = {"near": {"base_url": "https://near.example/v1"}}
    env = {
        "TASK_ROUTES": json.dumps({**routes, "task/mine": ["@preset/a", "b/two@preset/c", "direct:near/m"]}),
        "UPSTREAMS": json.dumps(declared),
        "FALLBACK_MODELS": "task/mine",
    }
    got = await world(model("a/one"), **env).get(DEEP)

    assert (got.json["status"], got.json["upstreams"]) == ("ok", ["openrouter", "near"])


async def test_without_a_catalogue_it_is_degraded_and_reports_no_models() -> None:
    got = await world().get(DEEP)

    assert (got.status, got.json["status"], got.json["catalog"]) == (200, "degraded", None)
    assert not [each for each in got.json["chains"].values() if each["not_listed"]]


async def test_a_stale_copy_is_marked_and_refreshed_in_the_background() -> None:
    made = world(model("a/one"), CATALOG_TTL_S="60")
    await made.get(DEEP)
    assert made.memory.catalog.catalog is not None
    made.memory.catalog.catalog.fetched_at_s -= 100

    response = await made.begin(b"", method="GET", path=DEEP)

    assert (await finish(response)).json["catalog"]["fresh"] is False
    assert len(made.background) == 1


async def test_deep_health_needs_a_key_and_shows_no_secret() -> None:
    made = world(model("a/one"))

    assert (await made.get(DEEP, headers={})).status == 401
    assert made.upstream.got == []
    got = await made.get(DEEP)
    assert UPSTREAM_KEY not in got.body.decode()
    assert TOKEN not in got.body.decode()


@pytest.mark.parametrize("query", ["", "?deep=0", "?other=1"])
async def test_shallow_health_needs_no_key_and_makes_no_upstream_call(query: str) -> None:
    made = world(model("a/one"))
    got = await made.get(f"/health{query}", headers={})

    assert (got.status, set(got.json)) == (
        200,
        {"status", "version", "python", "set", "coordination"},
    )
    assert made.upstream.got == []


@pytest.mark.parametrize("query", ["deep=", "deep=true", "deep=1&deep=1", "deep=null"])
async def test_deep_is_0_or_1(query: str) -> None:
    got = await world().get(f"/health?{query}")

    assert (got.status, got.error["param"]) == (400, "deep")


@pytest.mark.parametrize(
    ("setting", "bound", "mode", "status"),
    [
        ("local", False, "local", "ok"),
        ("shared", True, "shared", "ok"),
        ("strict", True, "strict", "ok"),
        ("shared", False, "local", "incomplete"),
        ("strict", False, "strict", "incomplete"),
    ],
)
async def test_it_says_if_isolates_cannot_count_as_the_setting_says(
    setting: str, bound: bool, mode: str, status: str
) -> None:
    made = World({"COORDINATION": setting}, coordinator=Coordinators(bound=bound))
    got = await made.get("/health")

    assert (got.json["status"], got.json["coordination"]["mode"]) == (status, mode)
    problem = got.json["coordination"]["problem"]
    assert (problem is None) == (status == "ok")
    assert problem is None or f"COORDINATION={setting} needs the binding COORDINATOR" in problem
