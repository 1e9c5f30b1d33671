"""Tests ``POST /v1/plan``: the plan shows what a request would do."""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.faults.fault import Fault
from gateway.http.json_values import Json, JsonObject
from tests.support.planning import catalog_of, listed
from tests.support.upstream import fail, hang
from tests.support.world import EPOCH_S, TOKEN, Answer, World, chat, finish, run

PLAN = "/v1/plan"
TOOLS = [{"type": "function", "function": {"name": "f"}}]


async def plan_of(world: World, *models: str, stream: bool = False, **fields: object) -> dict[str, Any]:
    got = await finish(await world.begin(chat(*models, stream=stream, **fields), path=PLAN))
    assert got.status == 200, got.body
    return got.json


def world_of(*models: JsonObject, **env: str) -> World:
    world = World(env)
    if models:
        world.memory.catalog.catalog = catalog_of(*models)
    return world


@pytest.mark.anyio
async def test_a_plan_calls_no_model() -> None:
    world = world_of(listed("a/one"))

    await plan_of(world, "a/one", "b/two", stream=True, gateway={"max_cost_usd": 1})

    assert world.upstream.received == []


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("how", "fields", "shown"),
    [
        (None, {}, "error"),
        ("hold", {}, "hold"),
        ("hold", {"response_format": {"type": "json_object"}}, "hold"),
        ("continue", {}, "continue"),
        ("continue", {"response_format": {"type": "json_object"}}, "error"),
    ],
)
async def test_a_plan_shows_what_happens_if_its_stream_is_cut_off(
    how: str | None, fields: dict[str, object], shown: str
) -> None:
    options = {"on_midstream": how} if how else {}

    plan = await plan_of(World(), "a/one", stream=True, gateway=options, **fields)

    assert plan["on_midstream"] == shown


@pytest.mark.anyio
async def test_the_deadline_is_shared_by_the_remaining_models() -> None:
    plan = await plan_of(world_of(), "a/one", "b/two", "c/three", gateway={"deadline_ms": 30_000})

    assert [each["attempt_ms"] for each in plan["chain"]] == [10_000, 15_000, 30_000]
    assert plan["limits"]["deadline_ms"] == 30_000


@pytest.mark.anyio
async def test_a_plan_shows_when_a_model_is_retried_and_where_the_chain_ends() -> None:
    options = {"retry_first": True, "stop_on": ["rate_limited", "filtered_answer", "rate_limited"]}

    plan = await plan_of(world_of(), "a/one", "b/two", gateway=options)

    limits, decided = plan["limits"], plan["decided_by"]
    assert (limits["retry_first"], limits["stop_on"]) == (True, ["filtered_answer", "rate_limited"])
    assert (decided["retry_first"], decided["stop_on"]) == ("gateway.retry_first", "gateway.stop_on")


@pytest.mark.anyio
async def test_an_attempts_time_is_the_shortest_of_its_timers() -> None:
    options = {"deadline_ms": 30_000, "attempt_ms": 9_000, "first_token_ms": 4_000}

    plain = await plan_of(world_of(), "a/one", gateway=options)
    streamed = await plan_of(world_of(), "a/one", stream=True, gateway=options)

    assert (plain["chain"][0]["attempt_ms"], streamed["chain"][0]["attempt_ms"]) == (9_000, 4_000)


@pytest.mark.anyio
@pytest.mark.parametrize("streamed", [False, True])
async def test_a_plan_shows_the_limit_of_each_model_and_where_it_comes_from(streamed: bool) -> None:
    thinks = listed("b/two", reasoning={"mandatory": True})
    plain = listed("a/one", supported_parameters=["max_tokens"])

    plan = await plan_of(world_of(plain, thinks), "a/one", "b/two", "c/three", stream=streamed)

    shown = [(each["limit"], each["limit_ms"], each["because"]) for each in plan["chain"]]
    by_patience = [
        ("first_token", 15_000, "no measurements yet"),
        ("first_token", 60_000, "the model reasons"),
    ]
    last = ("deadline", 240_000, "all the time that was left")
    assert shown == [*(by_patience if streamed else [("attempt", 90_000, "patience: normal")] * 2), last]
    assert [each["attempt_ms"] for each in plan["chain"]] == [each["limit_ms"] for each in plan["chain"]]
    limits = plan["limits"]
    assert (limits["patience"], limits["deadline_ms"], limits["idle_ms"]) == ("normal", 240_000, 60_000)
    assert (limits["attempt_ms"], limits["first_token_ms"], limits["max_wait_ms"]) == (None, None, 5_000)


@pytest.mark.anyio
@pytest.mark.parametrize("streamed", [False, True])
@pytest.mark.parametrize(
    "options",
    [{}, {"patience": "short"}, {"deadline_ms": 9_000}, {"attempt_ms": 900}, {"hedge_ms": 100_000}],
    ids=["nothing", "patience", "deadline", "attempt", "hedge"],
)
async def test_the_limits_of_a_plan_are_those_of_the_request(
    streamed: bool, options: dict[str, object]
) -> None:
    world = world_of().script("a/one", hang)

    plan = await plan_of(world, "a/one", "b/two", stream=streamed, gateway=options)
    attempts = (await world.ask("a/one", "b/two", stream=streamed, gateway=options)).receipt["attempts"]

    names = ("limit", "limit_ms", "because")
    if attempts[0]["outcome"] != "cancelled":
        assert [attempts[0][name] for name in names] == [plan["chain"][0][name] for name in names]
    assert attempts[0]["ms"] <= plan["chain"][0]["limit_ms"]


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("env", "options", "limits", "decided"),
    [
        ({}, {}, ("normal", 240_000, 5_000), ("PATIENCE", "PATIENCE", "MAX_WAIT_MS")),
        (
            {"DEADLINE_MS": "9000"},
            {"patience": "long"},
            ("long", 9_000, 5_000),
            ("gateway.patience", "DEADLINE_MS", "MAX_WAIT_MS"),
        ),
        (
            {"PATIENCE": "short"},
            {"deadline_ms": 7_000},
            ("short", 7_000, 7_000),
            ("PATIENCE", "gateway.deadline_ms", "gateway.deadline_ms"),
        ),
        (
            {"MAX_WAIT_MS": "0"},
            {"deadline_ms": 7_000, "max_wait_ms": 8_000},
            ("normal", 7_000, 8_000),
            ("PATIENCE", "gateway.deadline_ms", "gateway.max_wait_ms"),
        ),
    ],
    ids=["nothing", "setting", "deadline", "wait"],
)
async def test_a_plan_shows_what_decided_how_long_is_waited(
    env: dict[str, str],
    options: dict[str, object],
    limits: tuple[object, ...],
    decided: tuple[str, ...],
) -> None:
    plan = await plan_of(world_of(**env), "a/one", gateway=options)

    names = ("patience", "deadline_ms", "max_wait_ms")
    assert tuple(plan["limits"][name] for name in names) == limits
    assert tuple(plan["decided_by"][name] for name in names) == decided


@pytest.mark.anyio
async def test_each_candidate_has_its_price_and_possible_costs() -> None:
    plan = await plan_of(world_of(listed("a/one")), "a/one", "b/two", max_tokens=1_000)

    first, second = plan["chain"]
    assert first["usd_per_million_tokens"] == {"prompt": 1.0, "completion": 2.0}
    assert 0 < first["estimated_cost_usd"] < first["worst_cost_usd"] < 0.0025
    assert (second["usd_per_million_tokens"], second["worst_cost_usd"]) == (None, None)
    assert plan["cost_usd"] == {"estimated": first["estimated_cost_usd"], "worst": None}


@pytest.mark.anyio
async def test_at_worst_every_attempt_and_every_retry_is_billed() -> None:
    world = world_of(listed("a/one"), listed("b/two"), RETRIES="2")

    unlimited = await plan_of(world, "a/one", "b/two", max_tokens=1_000)
    limited = await plan_of(world, "a/one", "b/two", max_tokens=1_000, gateway={"max_cost_usd": 0.003})

    worst_usd = sum(each["worst_cost_usd"] for each in unlimited["chain"])
    assert unlimited["cost_usd"]["worst"] == pytest.approx(3 * worst_usd)
    assert limited["cost_usd"]["worst"] == 0.003


@pytest.mark.anyio
async def test_a_skipped_model_is_listed_with_its_reason() -> None:
    no_tools = listed("b/two", supported_parameters=["max_tokens"])
    plan = await plan_of(world_of(listed("a/one"), no_tools), "a/one", "b/two", tools=TOOLS)

    assert plan["skipped"] == [{"model": "b/two", "reason": "no_tools", "missing": ["tools"]}]
    assert plan["requested"] == ["a/one", "b/two"]


@pytest.mark.anyio
async def test_an_empty_chain_shows_the_error_of_the_request() -> None:
    world = world_of(listed("a/one", supported_parameters=["max_tokens"]))

    plan = await plan_of(world, "a/one", tools=TOOLS)
    got = await world.ask("a/one", tools=TOOLS)

    assert plan["chain"] == []
    assert plan["would_fail_with"] == {
        "code": got.error["code"],
        "status": got.status,
        "message": got.error["message"],
    }
    assert (got.status, got.error["code"], got.error["metadata"]["source"]) == (
        400,
        "no_model_fits",
        "client",
    )
    assert world.upstream.received == []


@pytest.mark.anyio
async def test_a_model_that_is_cooling_down_is_called_last_or_skipped() -> None:
    world = world_of()
    for model, wait_s in (("a/one", 5.0), ("b/two", 500.0)):
        world.memory.cooldowns.note(model, Fault(code="rate_limited", retry_after_s=wait_s), now_s=EPOCH_S)

    plan = await plan_of(world, "a/one", "b/two", "c/three", gateway={"deadline_ms": 60_000})

    assert [(each["model"], each["wait_ms"]) for each in plan["chain"]] == [("c/three", 0), ("a/one", 5_000)]
    assert [(each["model"], each["reason"]) for each in plan["skipped"]] == [("b/two", "resting")]


@pytest.mark.anyio
async def test_planning_changes_nothing() -> None:
    world = world_of()
    world.memory.cooldowns.note("a/one", Fault(code="rate_limited", retry_after_s=0.0), now_s=EPOCH_S)

    first = await plan_of(world, "a/one", "b/two")
    second = await plan_of(world, "a/one", "b/two")

    assert first["chain"] == second["chain"]


@pytest.mark.anyio
async def test_a_plan_shows_what_decided_each_option() -> None:
    route = {"models": ["a/one"], "order": "cheapest", "options": {"deadline_ms": 5_000, "idle_ms": 6_000}}
    world = world_of(TASK_ROUTES=json.dumps({"task/mine": route}))

    plan = await plan_of(world, "task/mine", gateway={"idle_ms": 7_000, "max_cost_usd": 1})

    assert plan["decided_by"] == {
        "models": "models",
        "patience": "PATIENCE",
        "deadline_ms": "task/mine",
        "attempt_ms": "PATIENCE",
        "first_token_ms": "PATIENCE",
        "idle_ms": "gateway.idle_ms",
        "max_wait_ms": "MAX_WAIT_MS",
        "retries": "RETRIES",
        "max_attempts": "MAX_ATTEMPTS",
        "order": "task/mine",
        "max_cost_usd": "gateway.max_cost_usd",
    }


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("key_limit", "by"), [(0.01, "key mine"), (5.0, "task/mine"), (9.0, "task/mine"), (None, "task/mine")]
)
async def test_the_lower_of_two_cost_limits_decides(key_limit: float | None, by: str) -> None:
    options = {} if key_limit is None else {"max_cost_usd": key_limit}
    route = {"models": ["a/one"], "options": {"max_cost_usd": 5}}
    world = world_of(
        GATEWAY_KEYS=json.dumps([{"name": "mine", "token": TOKEN, "options": options}]),
        TASK_ROUTES=json.dumps({"task/mine": route}),
    )

    plan = await plan_of(world, "task/mine")

    assert plan["limits"]["max_cost_usd"] == min(key_limit or 5, 5)
    assert plan["decided_by"]["max_cost_usd"] == by


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("fields", "by"),
    [
        ({"model": "a/one"}, "model"),
        ({"models": ["a/one"]}, "models"),
        ({"model": "a/one", "models": ["b/two"]}, "model, models"),
    ],
)
async def test_a_plan_shows_which_field_named_the_models(fields: dict[str, object], by: str) -> None:
    plan = (await finish(await world_of().begin({**chat(), **fields}, path=PLAN))).json

    assert plan["decided_by"]["models"] == by


@pytest.mark.anyio
async def test_a_task_route_behind_the_first_model_sets_no_options() -> None:
    route = {"models": ["b/two"], "order": "cheapest", "options": {"deadline_ms": 5_000}}
    world = world_of(TASK_ROUTES=json.dumps({"task/mine": route}))

    plan = await plan_of(world, "a/one", "task/mine")

    assert plan["decided_by"]["deadline_ms"] == "PATIENCE"
    assert "order" not in plan["decided_by"]
    assert plan["limits"]["deadline_ms"] == 240_000


@pytest.mark.anyio
async def test_a_plan_has_no_more_attempts_than_a_request() -> None:
    names = ["m/1", "m/2", "m/3"]
    world = world_of(MAX_ATTEMPTS="2")
    for name in names:
        world.script(name, fail(404))

    plan = await plan_of(world, *names)
    got = await world.ask(*names)

    assert [each["model"] for each in plan["chain"]] == names[:2] == world.upstream.models
    assert plan["skipped"] == got.receipt["skipped"] == [{"model": "m/3", "reason": "attempts_spent"}]


@pytest.mark.anyio
async def test_a_request_without_a_model_uses_the_default_chain() -> None:
    plan = await plan_of(world_of())

    assert plan["decided_by"]["models"] == "DEFAULT_MODEL, FALLBACK_MODELS"
    assert plan["requested"] == ["a/one"]


@pytest.mark.anyio
@pytest.mark.parametrize("path", [PLAN, f"/api{PLAN}"])
async def test_a_plan_needs_a_key_and_a_valid_chat_request(path: str) -> None:
    world = world_of()

    refused = await finish(await world.begin(chat("a/one"), path=path, headers={}))
    wrong = await finish(await world.begin({"models": []}, path=path))
    method = await finish(await world.begin(b"", path=path, method="GET"))

    assert (refused.status, wrong.status, method.status) == (401, 400, 405)
    assert method.headers["allow"] == "POST, OPTIONS"


def model_of(name: str) -> st.SearchStrategy[JsonObject]:
    """Return models that differ in everything that affects a plan."""
    prices: list[Json] = ["-1", "0", "0.000001", "0.001"]
    parameters: list[Json] = [["max_tokens"], ["tools", "max_tokens"], []]
    return st.fixed_dictionaries(
        {
            "context_length": st.sampled_from([None, 1, 40, 100_000]),
            "supported_parameters": st.sampled_from(parameters),
            "pricing": st.builds(
                lambda prompt, completion: {"prompt": prompt, "completion": completion},
                st.sampled_from(prices),
                st.sampled_from(prices),
            ),
            "expiration_date": st.sampled_from([None, "2020-01-01"]),
        }
    ).map(lambda fields: listed(name, **fields))


NAMES = ("a/one", "b/two", "c/three", "d/four:free")
MINE = {"models": ["c/three", "b/two", "e/five"], "order": "fastest", "max_price": {"prompt": 5}}
OPTIONS = st.fixed_dictionaries(
    {},
    optional={
        "order": st.sampled_from(["given", "cheapest", "fastest", "weighted", "sticky", "auto"]),
        "max_cost_usd": st.sampled_from([0.000_01, 0.01, 10.0]),
        "strict": st.booleans(),
        "fallbacks": st.booleans(),
        "deadline_ms": st.sampled_from([1_000, 60_000]),
        "retries": st.sampled_from([0, 3]),
    },
)


async def plan_and_ask(world: World, body: dict[str, object]) -> tuple[dict[str, Any], Answer]:
    plan = await finish(await world.begin(body, path=PLAN))
    return plan.json, await finish(await world.begin(body))


@settings(max_examples=300, deadline=None)
@given(
    models=st.tuples(*(model_of(name) for name in NAMES)),
    fields=st.fixed_dictionaries(
        {
            "models": st.lists(st.sampled_from([*NAMES, "task/mine", "x/unlisted"]), min_size=1, unique=True),
            "gateway": OPTIONS,
        },
        optional={"tools": st.just(TOOLS)},
    ),
    cooldowns_s=st.dictionaries(st.sampled_from(NAMES), st.sampled_from([0.5, 5.0, 500.0])),
    latencies_ms=st.dictionaries(st.sampled_from(NAMES), st.sampled_from([10.0, 100.0])),
)
def test_a_request_makes_the_attempts_that_its_plan_shows(
    models: tuple[JsonObject, ...],
    fields: dict[str, object],
    cooldowns_s: dict[str, float],
    latencies_ms: dict[str, float],
) -> None:
    world = world_of(*models, TASK_ROUTES=json.dumps({"task/mine": MINE}))
    for name in (*NAMES, "e/five", "x/unlisted"):
        world.script(name, fail(404))
    for name, wait_s in cooldowns_s.items():
        world.memory.cooldowns.note(name, Fault(code="rate_limited", retry_after_s=wait_s), now_s=EPOCH_S)
    for name, ms in latencies_ms.items():
        world.memory.latencies.note(name, ms, stream=False, answered=True, now_s=EPOCH_S)
    body = chat() | {"max_tokens": 10, "session_id": "s"} | fields

    plan, got = run(plan_and_ask(world, body))

    assert got.status >= 400
    assert [each["model"] for each in plan["chain"]] == [each["model"] for each in got.receipt["attempts"]]
    assert reasons_in(plan) == reasons_in(got.receipt)
    assert plan["requested"] == got.receipt["requested"]
    if not plan["chain"]:
        assert plan["would_fail_with"]["code"] == got.error["code"]


def reasons_in(shown: dict[str, Any]) -> list[tuple[str, str]]:
    return [(each["model"], each["reason"]) for each in shown.get("skipped", [])]


@pytest.mark.anyio
async def test_a_plan_skips_models_that_the_key_must_not_use() -> None:
    keys = json.dumps([{"name": "bound", "token": TOKEN, "models": ["a/*"]}])

    plan = await plan_of(world_of(GATEWAY_KEYS=keys), "a/one", "b/two")

    assert [each["model"] for each in plan["chain"]] == ["a/one"]
    assert plan["skipped"] == [{"model": "b/two", "reason": "not_allowed"}]


@pytest.mark.anyio
async def test_openrouters_price_is_not_shown_for_an_upstream_whose_price_is_not_declared() -> None:
    env = {"UPSTREAMS": json.dumps({"near": {"base_url": "https://direct.example/v1", "secret": "NEAR_KEY"}})}
    world = world_of(listed("a/one"), NEAR_KEY="canary-of-the-direct-key", **env)

    plan = await plan_of(world, "direct:near/a/one")

    assert plan["chain"][0]["usd_per_million_tokens"] is None


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("body", "dialect"),
    [
        ({"messages": [{"role": "user", "content": "Hi"}]}, "chat"),
        ({"messages": [{"role": "user", "content": "Hi"}], "prompt": "Hi"}, "chat"),
        ({"prompt": "Hi"}, "completions"),
        ({"prompt": ["Hi", "Ho"], "best_of": 2}, "completions"),
        ({"prompt": "A panda", "size": "1024x1024"}, "images"),
        ({"input": "Hi", "instructions": "Be short."}, "responses"),
        ({"input": "Hi", "dimensions": 8}, "embeddings"),
        ({"query": "Hi", "documents": ["Hi"]}, "rerank"),
    ],
)
async def test_the_body_says_in_which_dialect_it_is(body: dict[str, object], dialect: str) -> None:
    headers = {"authorization": f"Bearer {TOKEN}"}
    got = await finish(await World().begin({"model": "a/one", **body}, path=PLAN, headers=headers))

    assert got.json["dialect"] == dialect
