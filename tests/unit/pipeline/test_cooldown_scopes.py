"""For whom a fault's pause counts: one caller's preferences, tier or key cools down nobody else."""

import asyncio
import json
from typing import Any

import pytest

from gateway.faults.fault import Fault
from gateway.memory.cooldowns import MAX_COOLDOWNS, Cooldowns
from gateway.pipeline.cooldown_scopes import cooldowns_of
from gateway.settings.caller import Caller
from tests.support.planning import parsed, planned
from tests.support.upstream import DIRECT_BASE_URL, Act, accept_key, answer, fail
from tests.support.world import Answer, World, chat, finish

pytestmark = pytest.mark.anyio
A, B = "canary-of-the-token-of-a", "canary-of-the-token-of-b"
HOUR = fail(429, retry_after="3600")
TIGHT = {"models": ["cheap/mini"], "max_price": {"prompt": 1, "completion": 5}}
ENV = {
    "GATEWAY_KEYS": f"a:{A}\nb:{B}",
    "ALLOW_CLIENT_KEYS": "true",
    "TASK_ROUTES": json.dumps({"task/tight": TIGHT}),
}
PREFERENCES: list[dict[str, Any]] = [
    {"provider": {"only": ["tiny"]}},
    {"provider": {"order": ["tiny"]}},
    {"provider": {"ignore": ["big"]}},
    {"provider": {"max_price": {"prompt": 0.01}}},
    {"provider": {"sort": "throughput"}},
    {"provider": {"sort": "price"}},
    {"provider": {"quantizations": ["fp4"]}},
    {"provider": {"data_collection": "deny"}},
    {"provider": {"zdr": True}},
    {"provider": {"allow_fallbacks": False}},
    {"provider": {"require_parameters": True}},
    {"provider": {"a_field_of_tomorrow": 1}},
    {"service_tier": "flex"},
    {"service_tier": "priority"},
    {"preset": "mine"},
    {"plugins": [{"id": "web"}]},
    {"web_search_options": {}},
]
NO_PREFERENCES: list[dict[str, Any]] = [
    {},
    {"provider": {}},
    {"provider": None},
    {"provider": {"only": None, "order": [], "allow_fallbacks": True, "require_parameters": False}},
    {"provider": {"data_collection": "allow", "zdr": False}},
    {"service_tier": "auto"},
    {"service_tier": "default"},
    {"plugins": []},
    {"temperature": 1, "tools": [{"type": "function", "function": {"name": "f"}}]},
]


def world(*acts: Act, model: str = "cheap/mini") -> World:
    made = World(ENV).script(model, *acts)
    made.upstream.pages["/key"] = (accept_key,)
    return made


async def ask(made: World, token: str, model: str = "cheap/mini", **fields: Any) -> Answer:  # noqa: ANN401  # JSON of any kind
    headers = {"authorization": f"Bearer {token}"}
    return await finish(await made.begin(chat(model, **fields), headers=headers))


@pytest.mark.parametrize("preferences", PREFERENCES, ids=json.dumps)
@pytest.mark.parametrize("stream", [False, True])
async def test_a_pause_met_under_a_callers_preferences_binds_that_caller_and_these_preferences(
    preferences: dict[str, Any], stream: bool
) -> None:
    made = world(HOUR, answer())
    first = await ask(made, A, **preferences, stream=stream)
    again = await ask(made, A, **preferences)
    calls = len(made.upstream.received)

    others = [await ask(made, B), await ask(made, B, **preferences), await ask(made, A)]

    assert (first.status, first.headers["retry-after"]) == (429, "3600")
    assert (again.error["code"], again.headers["retry-after"], calls) == ("models_resting", "3600", 1)
    assert [each.status for each in others] == [200, 200, 200]


@pytest.mark.parametrize("fields", NO_PREFERENCES, ids=json.dumps)
async def test_a_pause_met_without_preferences_binds_all_callers(fields: dict[str, Any]) -> None:
    made = world(HOUR, answer())
    await ask(made, A, **fields)

    assert (await ask(made, B)).error["code"] == "models_resting"
    assert (await ask(made, B, provider={"sort": "price"})).error["code"] == "models_resting"


async def test_other_preferences_of_the_same_caller_are_not_bound() -> None:
    made = world(HOUR, answer())
    await ask(made, A, provider={"only": ["tiny"]})

    assert (await ask(made, A, provider={"only": ["tiny", "big"]})).status == 200


async def test_a_pause_met_under_a_tasks_price_ceiling_binds_those_who_use_the_ceiling() -> None:
    made = world(HOUR, answer())
    await ask(made, A, "task/tight")

    assert (await ask(made, B, "task/tight")).error["code"] == "models_resting"
    assert (await ask(made, B)).status == 200


async def test_a_pause_met_with_a_callers_own_key_binds_that_key_and_is_remembered() -> None:
    made = world(HOUR, answer())
    await ask(made, "sk-or-v1-one")

    assert (await ask(made, "sk-or-v1-one")).error["code"] == "models_resting"
    assert len(made.upstream.received) == 1
    for other in (A, "sk-or-v1-two"):
        assert (await ask(made, other)).status == 200


def test_own_keys_are_told_apart_by_more_than_the_short_name_of_the_caller() -> None:
    chat, shared = parsed(model="cheap/mini"), Cooldowns()
    one, two = (
        cooldowns_of(Caller(name="own-0", own_key=key), chat, planned(model="cheap/mini"), shared)
        for key in ("sk-or-v1-one", "sk-or-v1-two")
    )
    one.note("cheap/mini", Fault(code="rate_limited", retry_after_s=60.0), now_s=0.0)

    assert one.ready_at_s("cheap/mini", now_s=1.0) > 1.0
    assert two.ready_at_s("cheap/mini", now_s=1.0) <= 1.0


async def test_the_limit_of_free_models_is_the_accounts_whatever_the_caller_prefers() -> None:
    made = world(fail(429, "free-models-per-day"), model="x/y:free")
    await ask(made, A, "x/y:free", provider={"only": ["tiny"]})

    assert (await ask(made, B, "x/z:free")).error["code"] == "models_resting"


@pytest.mark.parametrize("status", [400, 403, 404, 413, 422, 502])
async def test_no_error_that_repeats_a_prompt_is_taken_for_the_limit_of_free_models(status: int) -> None:
    made = world(fail(status, "Bad input: free-models-per-day free-models-per-min"), model="x/y:free")
    await ask(made, A, "x/y:free")

    assert (await ask(made, B, "x/z:free")).status == 200


@pytest.mark.parametrize("status", [400, 401, 402, 403, 404, 413, 422])
async def test_an_error_that_the_request_or_the_account_caused_cools_down_nothing(status: int) -> None:
    made = world(fail(status, "No.", retry_after="3600"), answer())
    await ask(made, A)

    assert (await ask(made, B)).status == 200


async def test_a_direct_upstreams_pause_under_a_tier_binds_that_caller_only() -> None:
    made = World(ENV | {"UPSTREAMS": json.dumps({"near": {"base_url": DIRECT_BASE_URL}})})
    made.script("fast", HOUR, answer())
    await ask(made, A, "direct:near/fast", service_tier="flex")

    assert (await ask(made, B, "direct:near/fast")).status == 200


async def test_a_long_cooldown_is_probed_once_a_minute_and_an_answer_ends_it() -> None:
    made = world(HOUR, fail(503), answer())
    await ask(made, A)
    refused = 0
    for _ in range(12):
        await asyncio.sleep(10.0)
        got = await ask(made, B, gateway={"retries": 0})
        refused += got.status != 200

    assert [round(each.at_s) for each in made.upstream.received] == [0, 60, 120]
    assert refused == 11
    assert (await ask(made, B)).status == 200


async def test_no_request_waits_for_a_probe_and_retry_after_is_what_the_upstream_said() -> None:
    made = world(HOUR)
    await ask(made, A)
    await asyncio.sleep(30.0)

    got = await ask(made, B, gateway={"deadline_ms": 120_000})

    assert (got.error["code"], got.headers["retry-after"]) == ("models_resting", "3570")
    assert asyncio.get_running_loop().time() == pytest.approx(30.0)


async def test_a_caller_whose_requests_fail_by_themselves_does_not_use_up_the_probes() -> None:
    made = world(HOUR, fail(400, "Provider returned error"), answer())
    await ask(made, A)
    await asyncio.sleep(60.0)
    await ask(made, A)

    assert (await ask(made, B)).status == 200


async def test_of_many_requests_in_a_long_cooldown_one_probes() -> None:
    made = world(HOUR, answer())
    await ask(made, A)
    await asyncio.sleep(60.0)

    got = await asyncio.gather(*(ask(made, B) for _ in range(5)))

    assert sorted(each.status for each in got) == [200, 429, 429, 429, 429]


async def test_a_plan_sees_the_callers_cooldowns_and_changes_none() -> None:
    made = world(HOUR, answer())
    only: dict[str, Any] = {"provider": {"only": ["tiny"]}}
    await ask(made, A, **only)

    async def planned(token: str) -> dict[str, Any]:
        headers = {"authorization": f"Bearer {token}"}
        body = chat("cheap/mini", **only)
        return (await finish(await made.begin(body, path="/v1/plan", headers=headers))).json

    assert (await planned(A))["would_fail_with"]["code"] == "models_resting"
    assert (await planned(B))["would_fail_with"] is None
    await asyncio.sleep(60.0)
    assert [(await planned(A))["would_fail_with"] for _ in range(2)] == [None, None]
    assert (await ask(made, A, **only)).status == 200


async def test_one_caller_with_ever_new_preferences_fills_no_memory() -> None:
    made = world(HOUR)
    for number in range(MAX_COOLDOWNS):
        await ask(made, A, provider={"only": [f"p{number}"]})

    assert len(made.memory.cooldowns._noted) <= MAX_COOLDOWNS // 5


def test_the_order_of_fields_makes_no_other_preferences() -> None:
    one = parsed(model="m", provider={"only": ["x"], "sort": "price"})
    other = parsed(model="m", provider={"sort": "price", "only": ["x"]})

    assert one.requirements.preferences == other.requirements.preferences != ""


@pytest.mark.parametrize("value", ["\ud800", [[]], {"a": {"b": [None]}}, "x" * 100_000])
def test_any_json_can_be_a_preference(value: object) -> None:
    assert len(parsed(model="m", provider={"only": value}).requirements.preferences) == 64
