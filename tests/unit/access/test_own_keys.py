"""Callers that send their own OpenRouter key: it pays for the request and is sent to OpenRouter only."""

import json

import pytest

from tests.support.catalog_world import RECORDED_ENDPOINTS, UPSTREAM_ENDPOINTS
from tests.support.chunks import event, text
from tests.support.models import HAIKU, listing, model
from tests.support.sqlite_database import SqliteDatabase
from tests.support.upstream import DIRECT_BASE_URL, HANG, RESET, Step, accept_key, fail, reply, stream
from tests.support.world import UPSTREAM_KEY, Answer, World, chat, finish

pytestmark = pytest.mark.anyio
OWN, OTHER = "sk-or-v1-canary-of-a-callers-own-key", "sk-or-v1-canary-of-another-caller"
ENDPOINTS = f"/v1/models/{HAIKU}/endpoints"


def bearer(token: str) -> dict[str, str]:
    return {"authorization": f"Bearer {token}"}


async def ask(made: World, *models: str, stream: bool = False, token: str = OWN, **fields: object) -> Answer:
    return await finish(await made.begin(chat(*models, stream=stream, **fields), headers=bearer(token)))


def world(**env: str) -> World:
    """Return a gateway before an OpenRouter that accepts every key."""
    made = World({"ALLOW_CLIENT_KEYS": "true", **env}, database=SqliteDatabase())
    made.upstream.pages["/key"] = (accept_key,)
    made.upstream.pages["/models"] = (listing(model(HAIKU)),)
    return made


@pytest.mark.parametrize("stream", [False, True])
async def test_the_callers_key_is_sent_instead_of_the_gateways(stream: bool) -> None:
    made = world().script("a/one", fail(503))

    got = await ask(made, "a/one", "b/two", stream=stream)

    assert got.status == 200
    assert {call.headers["authorization"] for call in made.upstream.received} == {f"Bearer {OWN}"}
    assert OWN not in made.log_text + got.body.decode() + str(got.headers)
    assert UPSTREAM_KEY not in str(made.upstream.received)


async def test_a_callers_own_key_works_without_any_key_of_the_gateway() -> None:
    assert (await ask(world(OPENROUTER_API_KEY="", GATEWAY_KEYS=""), "a/one")).status == 200


async def test_a_caller_with_its_own_key_may_not_use_direct_upstreams() -> None:
    declared = {"near": {"base_url": DIRECT_BASE_URL}}
    made = world(UPSTREAMS=json.dumps(declared))

    got = await ask(made, "direct:near/fast", "a/one")

    assert [call.host for call in made.upstream.received] == ["openrouter.ai"]
    assert got.receipt["skipped"] == [{"model": "direct:near/fast", "reason": "not_allowed"}]


async def test_the_gateways_budget_does_not_apply_to_a_callers_own_key() -> None:
    made = world(BUDGET_DAY_USD="0.000001")
    made.database.rows("INSERT INTO spend VALUES ('x', '2026-11-22', 1000000, 1)")

    assert (await ask(made, "a/one")).status == 200


async def test_own_keys_are_refused_unless_they_are_allowed() -> None:
    assert (await ask(World(), "a/one")).error["code"] == "invalid_key"


async def test_faults_with_a_callers_own_key_do_not_affect_other_callers() -> None:
    made = world().script("x/y:free", fail(429, "free-models-per-day"), fail(404))
    await ask(made, "x/y:free")

    others = await made.ask("x/z:free")

    assert others.status == 200
    assert made.memory.latencies.ms("x/y:free", stream=False, now_s=0.0) is None


@pytest.mark.parametrize("token", ["sk-or-\u00e9\u00e9", "sk-or-" + "x" * 600, "sk-or-a\tb"])
async def test_a_key_that_a_header_cannot_carry_is_refused_before_any_call(token: str) -> None:
    made = world()

    got = await ask(made, "a/one", token=token)

    assert (got.status, got.error["code"]) == (401, "invalid_key")
    assert (made.upstream.got, made.upstream.received) == ([], [])
    assert token not in made.log_text + got.body.decode()


@pytest.mark.parametrize("path", ["/v1/usage", "/v1/key", "/health?deep=1", "/api/v1/usage"])
@pytest.mark.parametrize("method", ["GET", "HEAD"])
async def test_routes_that_show_the_gateway_are_for_its_own_keys(path: str, method: str) -> None:
    made = world()

    got = await made.get(path, method=method, headers=bearer(OWN))

    assert (got.status, got.error["metadata"]["code"]) == (403, "not_allowed")
    assert made.upstream.got == ["/key"]


@pytest.mark.parametrize("path", ["/v1/models", f"/v1/models/{HAIKU}", f"/v1/model/{HAIKU}", ENDPOINTS])
async def test_routes_that_show_models_are_for_every_caller(path: str) -> None:
    made = world()
    made.upstream.pages[UPSTREAM_ENDPOINTS] = (reply(200, RECORDED_ENDPOINTS),)

    assert (await made.get(path, headers=bearer(OWN))).status == 200


async def test_a_plan_is_for_every_caller() -> None:
    got = await finish(await world().begin(chat("a/one"), path="/v1/plan", headers=bearer(OWN)))

    assert [each["model"] for each in got.json["chain"]] == ["a/one"]


async def test_endpoints_are_looked_up_with_the_callers_key_and_shown_to_nobody_else() -> None:
    made = world()
    private = json.dumps({"data": {"id": HAIKU, "endpoints": [], "of": "the caller"}}).encode()
    made.upstream.pages[UPSTREAM_ENDPOINTS] = (reply(200, private), reply(200, RECORDED_ENDPOINTS))

    own = [await made.get(ENDPOINTS, headers=bearer(OWN)) for _ in range(2)]
    other = await made.get(ENDPOINTS, headers=bearer(OTHER))
    gateways = await made.get(ENDPOINTS)

    assert [each.json["data"].get("of") for each in (*own, other, gateways)] == ["the caller"] * 2 + [
        None
    ] * 2
    looked_up = zip(made.upstream.got, made.upstream.got_with, strict=True)
    keys = [key for path, key in looked_up if path == UPSTREAM_ENDPOINTS]
    assert keys == [OWN, OTHER, UPSTREAM_KEY]


async def test_endpoints_that_the_gateways_key_fetched_are_shown_to_all() -> None:
    made = world()
    made.upstream.pages[UPSTREAM_ENDPOINTS] = (reply(200, RECORDED_ENDPOINTS),)
    await made.get(ENDPOINTS)

    assert (await made.get(ENDPOINTS, headers=bearer(OWN))).status == 200
    assert made.upstream.got.count(UPSTREAM_ENDPOINTS) == 1


async def test_the_order_fastest_looks_endpoints_up_with_the_callers_key() -> None:
    made = world()
    made.upstream.pages[UPSTREAM_ENDPOINTS] = (reply(200, RECORDED_ENDPOINTS),)
    await made.get("/v1/models")

    await ask(made, HAIKU, gateway={"order": "fastest"})
    await made.let_run()

    assert made.upstream.got_with[made.upstream.got.index(UPSTREAM_ENDPOINTS)] == OWN
    assert made.memory.endpoints.get(HAIKU) is None


async def test_a_key_that_openrouter_refuses_for_endpoints_is_said_to_be_the_callers() -> None:
    made = world()
    made.upstream.pages[UPSTREAM_ENDPOINTS] = (fail(401, "User not found."),)

    got = await made.get(ENDPOINTS, headers=bearer(OWN))

    assert (got.status, got.error["code"]) == (401, "own_key_rejected")


@pytest.mark.parametrize("streamed", [False, True])
async def test_a_caller_is_told_that_its_own_key_was_refused(streamed: bool) -> None:
    made = world().script("a/one", fail(503)).script("b/two", fail(401, "User not found."))

    got = await ask(made, "a/one", "b/two", "c/three", stream=streamed)
    await made.let_run()

    assert (got.status, got.error["code"]) == (401, "own_key_rejected")
    assert "OPENROUTER_API_KEY" not in got.body.decode()
    assert got.codes[-1] == "own_key_rejected"
    assert made.upstream.models[-1] == "b/two"
    assert made.database.rows("SELECT * FROM requests") == []


async def test_a_caller_is_told_so_in_a_stream_that_has_begun() -> None:
    refused = event({"error": {"code": 401, "message": "User not found."}, "choices": []})
    made = world().script("a/one", stream(text("Hi"), refused))

    got = await ask(made, "a/one", stream=True)

    assert "own_key_rejected" in got.body.decode()
    assert "OPENROUTER_API_KEY" not in got.body.decode()


async def test_a_key_that_openrouter_refuses_in_a_chain_is_asked_about_anew() -> None:
    made = world().script("a/one", fail(401, "User not found."))
    await ask(made, "a/one")
    made.upstream.pages["/key"] = (fail(401),)

    assert (await ask(made, "a/one")).error["code"] == "invalid_key"
    assert made.upstream.models == ["a/one"]


async def test_the_gateways_key_is_still_said_to_be_the_gateways() -> None:
    got = await world().script("a/one", fail(401, "User not found.")).ask("a/one")

    assert got.error["code"] == "upstream_key_rejected"


async def test_a_key_of_the_gateways_may_look_like_one_of_openrouters() -> None:
    made = world(GATEWAY_KEYS=f"mine:{OWN}")

    assert (await made.get("/v1/key", headers=bearer(OWN))).json["name"] == "mine"
    assert made.upstream.got == []


@pytest.mark.parametrize("end", [RESET, HANG], ids=["breaks", "never ends"])
async def test_a_refusal_whose_text_never_arrives_is_told_of_the_callers_key_too(end: Step) -> None:
    got = await ask(world().script("a/one", reply(401, end)), "a/one")

    assert (got.status, got.error["code"]) == (401, "own_key_rejected")
    assert "OPENROUTER_API_KEY" not in got.body.decode()
