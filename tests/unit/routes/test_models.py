import asyncio
import json
from urllib.parse import quote

import pytest

from tests.support.catalog_world import (
    NEW,
    OLD,
    RECORDED_ENDPOINTS,
    TTL_S,
    UPSTREAM_ENDPOINTS,
    ask_and_let_it_refresh,
    ids_in,
    world_of,
    world_with,
)
from tests.support.models import HAIKU, listing, model, recorded_models
from tests.support.upstream import fail
from tests.support.world import TOKEN, UPSTREAM_KEY, one_key

pytestmark = pytest.mark.anyio
LIST = "/v1/models"
ONE = f"{LIST}/{HAIKU}"
ENDPOINTS = f"{ONE}/endpoints"
KEY = {"authorization": f"Bearer {TOKEN}"}

both = pytest.mark.parametrize("prefix", ["", "/api"])
every_page = pytest.mark.parametrize("page", [LIST, ONE, ENDPOINTS])


@both
async def test_the_list_has_openais_format(prefix: str) -> None:
    got = await world_with().get(prefix + LIST)

    assert (got.status, got.json["object"]) == (200, "list")
    assert got.headers["content-type"] == "application/json"
    assert [each["id"] for each in got.json["data"]] == [each["id"] for each in recorded_models()]
    assert {each["object"] for each in got.json["data"]} == {"model"}


@both
async def test_one_model_has_the_same_form_as_in_the_list(prefix: str) -> None:
    world = world_with()

    got = await world.get(prefix + ONE)

    assert got.json == next(each for each in (await world.get(LIST)).json["data"] if each["id"] == HAIKU)


@both
async def test_a_models_endpoints_are_openrouters_own(prefix: str) -> None:
    got = await world_with().get(prefix + ENDPOINTS)

    assert got.json == json.loads(RECORDED_ENDPOINTS)
    assert "max-age=10" in got.headers["cache-control"]


async def test_endpoints_are_cached_for_seconds_and_the_list_for_longer() -> None:
    world = world_with()

    for page in (LIST, ONE, ENDPOINTS) * 2:
        await world.get(page)
    await asyncio.sleep(10.5)
    for page in (LIST, ONE, ENDPOINTS):
        await world.get(page)

    assert world.upstream.got == ["/models", UPSTREAM_ENDPOINTS, UPSTREAM_ENDPOINTS]


async def test_cached_endpoints_have_their_age() -> None:
    world = world_with()
    first = await world.get(ENDPOINTS)
    await asyncio.sleep(9.5)

    second = await world.get(ENDPOINTS)

    assert (first.headers["age"], second.headers["age"]) == ("0", "9")
    assert first.body == second.body


@pytest.mark.parametrize(
    ("query", "count"),
    [("q=CLAUDE+haiku", 1), ("q=claude%20haiku", 1), ("free=true", 1), ("min_context=10000000", 0)],
)
async def test_the_query_is_decoded_and_filters(query: str, count: int) -> None:
    got = await world_with().get(f"{LIST}?{query}")

    assert len(ids_in(got)) == count


@pytest.mark.parametrize(
    ("query", "param"),
    [
        ("free=maybe", "free"),
        ("max_price=", "max_price"),
        ("sort=up", "sort"),
        ("canary=1&sort=canary", "sort"),
        ("q=a&q=b", "q"),
    ],
)
async def test_a_wrong_query_is_refused_and_its_parameter_named(query: str, param: str) -> None:
    got = await world_with().get(f"{LIST}?{query}")

    assert (got.status, got.error["param"]) == (400, param)
    assert got.error["metadata"]["source"] == "client"
    assert b"canary" not in got.body


@pytest.mark.parametrize(
    "query",
    [
        "category=programming",
        "output_modalities=all",
        "client_version=1",
        "_=1",
        "canary=1&canary=2",
        "=",
        "Q=x",
    ],
)
async def test_a_parameter_that_the_list_does_not_have_is_ignored(query: str) -> None:
    world = world_with()

    got = await world.get(f"{LIST}?{query}")

    assert (got.status, ids_in(got)) == (200, ids_in(await world.get(LIST)))


@pytest.mark.parametrize(
    ("query", "first", "last"),
    [("offset=0&limit=2", 0, 2), ("offset=2", 2, None), ("offset=99&limit=1", 99, 99)],
)
async def test_offset_and_limit_select_a_page_and_total_count_counts_all(
    query: str, first: int, last: int | None
) -> None:
    world = world_with()
    every = ids_in(await world.get(LIST))

    got = await world.get(f"{LIST}?{query}")

    assert ids_in(got) == every[first:last]
    assert (got.json["total_count"], got.json["links"]) == (len(every), {"next": None})


@pytest.mark.parametrize("query", ["offset=-1", "limit=x", "limit=", "offset=1.5", "limit=10000000000"])
async def test_offset_and_limit_must_be_whole_numbers(query: str) -> None:
    got = await world_with().get(f"{LIST}?{query}")

    assert (got.status, got.error["param"]) == (400, query.partition("=")[0])


@both
async def test_openrouters_sdks_find_one_model_under_data(prefix: str) -> None:
    world = world_with()

    got = await world.get(f"{prefix}/v1/model/{HAIKU}")

    assert got.json == {"data": (await world.get(ONE)).json}
    assert {"default_parameters", "per_request_limits", "supported_voices", "links"} <= set(got.json["data"])


async def test_the_client_may_cache_the_list_privately_and_sees_its_age() -> None:
    got = await world_with().get(LIST)

    assert got.headers["cache-control"] == "private, max-age=60"
    assert got.headers["age"] == "0"


@pytest.mark.parametrize("page", [LIST, ONE, f"{LIST}?free=true"])
@pytest.mark.parametrize("form", ["{}", "W/{}", '"other", {}', '"other",W/{} ', "*"])
async def test_a_client_with_the_current_list_gets_a_304(page: str, form: str) -> None:
    world = world_with()
    etag = (await world.get(page)).headers["etag"]

    got = await world.get(page, headers={**KEY, "if-none-match": form.format(etag)})

    assert (got.status, got.body, got.headers["etag"]) == (304, b"", etag)
    assert "content-type" not in got.headers
    assert {"cache-control", "age", "x-request-id", "vary"} <= set(got.headers)


@pytest.mark.parametrize("tag", ['"other"', "", "W/", '""', "other"])
async def test_a_client_with_another_list_gets_a_200(tag: str) -> None:
    got = await world_with().get(LIST, headers={**KEY, "if-none-match": tag})

    assert got.status == 200


@pytest.mark.parametrize("page", [LIST, ONE, f"{LIST}?free=true"])
async def test_an_etag_does_not_change_if_a_refresh_brings_the_same_list(page: str) -> None:
    world = world_with()
    before = await world.get(page)
    await asyncio.sleep(TTL_S + 1)
    await ask_and_let_it_refresh(world)

    after = await world.get(page)

    assert world.upstream.got == ["/models"] * 2
    assert (after.headers["etag"], after.headers["age"]) == (before.headers["etag"], "0")


async def test_an_etag_changes_with_the_list() -> None:
    world = world_of(OLD, NEW)
    before = await world.get(LIST)
    await asyncio.sleep(TTL_S + 1)
    await ask_and_let_it_refresh(world)

    after = await world.get(LIST, headers={**KEY, "if-none-match": before.headers["etag"]})

    assert (after.status, ids_in(after)) == (200, ["a/new"])


async def test_a_wrong_query_is_refused_even_if_any_etag_matches() -> None:
    got = await world_with().get(f"{LIST}?free=maybe", headers={**KEY, "if-none-match": "*"})

    assert got.status == 400


@pytest.mark.parametrize("name", [f"{HAIKU}:nitro", "anthropic/claude-4.5-haiku-20251001"])
async def test_a_model_is_found_by_each_of_its_names(name: str) -> None:
    world = world_with()

    got = await world.get(f"{LIST}/{name}")

    assert got.json == (await world.get(ONE)).json


SLUGS = {
    "claude-haiku-4.5": HAIKU,
    "claude-haiku-4.5:nitro": HAIKU,
    "claude-4.5-haiku-20251001": HAIKU,
    "laguna-s-2.1:free": "poolside/laguna-s-2.1:free",
}


@pytest.mark.parametrize("prefix", ["/v1/models/", "/api/v1/models/"])
@pytest.mark.parametrize("slug", SLUGS)
async def test_a_model_is_found_by_its_name_without_the_author(slug: str, prefix: str) -> None:
    got = await world_with().get(prefix + slug)

    assert (got.status, got.json["id"]) == (200, SLUGS[slug])


async def test_endpoints_are_found_by_the_name_without_the_author() -> None:
    world = world_with()

    got = await world.get(f"{LIST}/{HAIKU.partition('/')[2]}/endpoints")

    assert (got.status, got.json) == (200, (await world.get(ENDPOINTS)).json)


async def test_a_name_of_several_models_is_refused_with_their_ids() -> None:
    world = world_of(listing(model("a/twin"), model("b/twin"), model("c/other-twin"), model("d/twin:free")))

    got = await world.get(f"{LIST}/twin")

    assert (got.status, got.error["code"]) == (404, "not_found")
    assert got.error["message"].endswith(": a/twin, b/twin.")


async def test_a_key_is_shown_no_name_of_a_model_that_it_may_not_use() -> None:
    world = world_of(listing(model("a/twin"), model("b/twin")))
    world.env = {**world.env, "GATEWAY_KEYS": one_key(models=["b/*"])}

    got = await world.get(f"{LIST}/twin")

    assert (got.status, got.json["id"]) == (200, "b/twin")


@pytest.mark.parametrize(
    "name", ["unknown", "endpoints", "haiku-4.5", "twin/endpoints", "..", "%2E%2E", "a%20b"]
)
async def test_a_name_that_no_model_has_is_not_found(name: str) -> None:
    got = await world_with().get(f"{LIST}/{name}")

    assert (got.status, got.error["code"]) == (404, "not_found")


async def test_each_selection_has_a_different_etag() -> None:
    world = world_with()

    tags = {(await world.get(page)).headers["etag"] for page in (LIST, ONE, f"{LIST}?free=true")}

    assert len(tags) == 3


@pytest.mark.parametrize("name", ["anthropic/claude-haiku-4-5", "claude-haiku-4-4"])
@pytest.mark.parametrize(("allowed", "named"), [("anthropic/*", True), ("openai/*", False)])
async def test_the_error_for_a_model_that_is_not_listed_names_similar_ones(
    name: str, allowed: str, named: bool
) -> None:
    world = world_with()
    world.env = {
        **world.env,
        "GATEWAY_KEYS": json.dumps([{"name": "b", "token": TOKEN, "models": [allowed]}]),
    }

    got = await world.get(f"/v1/models/{name}")

    assert got.status == 404
    assert got.error["message"].startswith("OpenRouter lists no such model.")
    assert (f"Did you mean {HAIKU}" in got.error["message"]) is named
    assert ("anthropic" in got.error["message"]) is named


async def test_the_error_for_endpoints_of_no_model_names_similar_ones_if_the_list_is_there() -> None:
    world = world_with()
    world.upstream.pages["/models/anthropic/claude-haiku-4-5/endpoints"] = (fail(404),)
    path = "/v1/models/anthropic/claude-haiku-4-5/endpoints"

    without_list = await world.get(path)
    await world.get("/v1/models")
    with_list = await world.get(path)

    assert [without_list.status, with_list.status] == [404, 404]
    assert "Did you mean" not in without_list.error["message"]
    assert f"Did you mean {HAIKU}" in with_list.error["message"]


async def test_a_model_that_openrouter_does_not_list_is_not_found() -> None:
    world = world_with()

    for page in (f"{LIST}/a/unknown", f"{LIST}/a/unknown/endpoints", f"{LIST}/{HAIKU.upper()}"):
        got = await world.get(page)
        assert (got.status, got.error["code"]) == (404, "not_found")


async def test_openais_clients_may_encode_the_slash_in_a_models_id() -> None:
    got = await world_with().get(f"{LIST}/{quote('poolside/laguna-s-2.1:free', safe='')}")

    assert (got.status, got.json["id"]) == (200, "poolside/laguna-s-2.1:free")


@every_page
@pytest.mark.parametrize("headers", [{}, {"authorization": "Bearer wrong"}], ids=["no key", "wrong key"])
async def test_a_request_without_a_valid_key_is_refused(page: str, headers: dict[str, str]) -> None:
    world = world_with()

    got = await world.get(page, headers=headers)

    assert got.status == 401
    assert world.upstream.got == []


@every_page
async def test_neither_key_is_shown(page: str) -> None:
    got = await world_with().get(page)

    assert not [key for key in (UPSTREAM_KEY, TOKEN) if key in str(got)]


@every_page
async def test_head_is_answered_like_get_and_other_methods_are_refused(page: str) -> None:
    world = world_with()

    headers = {"authorization": f"Bearer {TOKEN}", "x-request-id": "the-same"}
    got, head = [await world.get(page, method=method, headers=headers) for method in ("GET", "HEAD")]
    assert (head.status, head.headers) == (got.status, got.headers)

    posted = await world.get(page, method="POST")
    assert (posted.status, posted.headers["allow"]) == (405, "GET, HEAD, OPTIONS")


async def test_a_key_that_is_limited_to_models_sees_only_those() -> None:
    world = world_with()
    world.env = {
        **world.env,
        "GATEWAY_KEYS": json.dumps([{"name": "b", "token": TOKEN, "models": ["anthropic/*"]}]),
    }

    got = await world.get("/v1/models")

    assert {each["id"].partition("/")[0] for each in got.json["data"]} == {"anthropic"}


@pytest.mark.parametrize(
    ("name", "status"), [(HAIKU, 200), ("task/mine", 200), ("task/code", 404), ("openai/gpt-5.4-mini", 404)]
)
async def test_a_key_that_is_bound_to_models_is_shown_no_other_by_its_name(name: str, status: int) -> None:
    world = world_with()
    world.env = {
        **world.env,
        "TASK_ROUTES": json.dumps({"task/mine": [HAIKU]}),
        "GATEWAY_KEYS": json.dumps([{"name": "b", "token": TOKEN, "models": ["anthropic/*", "task/mine"]}]),
    }

    assert (await world.get(f"/v1/models/{name}")).status == status
