"""Callers that send their own OpenRouter key: it pays for the request and is sent to OpenRouter only."""

import json

import pytest

from tests.support.sqlite_database import SqliteDatabase
from tests.support.upstream import DIRECT_BASE_URL, fail
from tests.support.world import UPSTREAM_KEY, Answer, World, chat, finish

pytestmark = pytest.mark.anyio
OWN = "sk-or-v1-canary-of-a-callers-own-key"


async def ask(made: World, *models: str, stream: bool = False) -> Answer:
    headers = {"authorization": f"Bearer {OWN}"}
    return await finish(await made.begin(chat(*models, stream=stream), headers=headers))


def world(**env: str) -> World:
    return World({"ALLOW_CLIENT_KEYS": "true", **env}, database=SqliteDatabase())


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


async def test_a_caller_is_told_if_openrouter_refuses_its_own_key() -> None:
    got = await ask(world().script("a/one", fail(401, "User not found.")), "a/one")

    assert (got.status, got.error["code"]) == (401, "upstream_key_rejected")


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

    got = await finish(await made.begin(chat("a/one"), headers={"authorization": f"Bearer {token}"}))

    assert (got.status, got.error["code"]) == (401, "invalid_key")
    assert made.upstream.received == []
    assert token not in made.log_text + got.body.decode()
