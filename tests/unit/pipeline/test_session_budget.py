"""Tests the budget of a session with complete requests, in one isolate and across isolates by the ledger."""

import asyncio
import json
from typing import Any

import pytest

from gateway.ledger.forget import forget_old_rows
from gateway.ledger.reservations import MAX_AGE_S, close_reservations
from gateway.ledger.settle import settle_costs
from gateway.pipeline.prepare import NO_SESSION
from gateway.settings.settings import Settings
from tests.support.ledger_world import ledger_world
from tests.support.planning import catalog_of, listed
from tests.support.upstream import after, answer, reply
from tests.support.world import ENV, TOKEN, Answer, World, chat, finish, one_key

pytestmark = pytest.mark.anyio
OTHER_TOKEN = "canary-of-another-token"
USAGE = {"prompt_tokens": 3, "completion_tokens": 2, "total_tokens": 5}


def another_isolate(world: World, **env: str) -> World:
    """Return an isolate with the same ledger."""
    made = World({**world.env, **env}, database=world.database, upstream=world.upstream, ids=1_000)
    made.memory.catalog.catalog = world.memory.catalog.catalog
    return made


async def ask(
    world: World,
    *,
    session: str | None = "s-1",
    limit: float | None = 0.001,
    token: str = TOKEN,
    path: str = "/v1/chat/completions",
    **fields: Any,  # noqa: ANN401  # fields of a body
) -> Answer:
    gateway = {} if limit is None else {"gateway": {"max_session_usd": limit}}
    body = chat("a/one") | {"max_tokens": 10} | gateway | fields
    headers = {"authorization": f"Bearer {token}"} | ({"x-session-id": session} if session else {})
    got = await finish(await world.begin(body, path=path, headers=headers))
    await world.let_run()
    return got


def costing(usd: float) -> World:
    made = World().script("a/one", answer(usage={**USAGE, "cost": usd}))
    made.memory.catalog.catalog = catalog_of(listed("a/one"), listed("b/two"))
    return made


async def test_a_session_that_has_spent_its_budget_is_refused_before_any_call() -> None:
    world = costing(0.0006)

    assert [(await ask(world)).status for _ in range(2)] == [200, 200]
    got = await ask(world)

    assert (got.status, got.error["code"], got.error["type"]) == (
        402,
        "session_budget_spent",
        "billing_error",
    )
    assert got.error["message"] == (
        "This session has spent $0.0012 of its $0.001 (max_session_usd). Begin another session, or raise the "
        "limit."
    )
    details = got.error["metadata"]
    assert (details["limit_usd"], details["spent_usd"], details["source"]) == (0.001, 0.0012, "gateway")
    assert (got.error["param"], details["retryable"]) == ("gateway.max_session_usd", False)
    assert got.headers["x-should-retry"] == "false"
    assert len(world.upstream.received) == 2


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize(
    "named", [{"session": None, "session_id": "s"}, {"session": None, "prompt_cache_key": "s"}, {}]
)
async def test_every_way_to_name_a_session_counts(named: dict[str, Any], stream: bool) -> None:
    world = ledger_world()

    assert (await ask(world, stream=stream, **named)).status == 200
    assert (await ask(world, limit=0.000_001, **named)).error["code"] == "session_budget_spent"


async def test_other_sessions_and_callers_have_their_own() -> None:
    world = costing(0.001)
    world.env = {"GATEWAY_KEYS": f"one:{TOKEN}\ntwo:{OTHER_TOKEN}"}

    assert (await ask(world)).status == 200
    assert (await ask(world)).error["code"] == "session_budget_spent"
    assert (await ask(world, session="s-2")).status == 200
    assert (await ask(world, token=OTHER_TOKEN)).status == 200
    assert (await ask(world, session=None)).status == 200
    assert (await ask(world, session=None, user="s-1")).status == 200


async def test_requests_without_the_limit_count_too() -> None:
    world = costing(0.001)

    assert [(await ask(world, limit=None)).status for _ in range(3)] == [200] * 3
    assert (await ask(world)).error["metadata"]["spent_usd"] == 0.003


@pytest.mark.parametrize(
    ("key", "route", "option", "limit"),
    [
        ({"options": {"max_session_usd": 4}}, None, None, 4),
        ({"options": {"max_session_usd": 4}}, None, 6, 6),
        ({"options": {"max_session_usd": 4}}, 5, None, 4),
        ({"options": {"max_session_usd": 4}}, 3, None, 3),
        ({"limits": {"max_session_usd": 4}}, None, None, 4),
        ({"limits": {"max_session_usd": 4}}, None, 3, 3),
        ({"limits": {"max_session_usd": 4}}, None, 6, 4),
        ({"limits": {"max_session_usd": 4}}, 6, None, 4),
        ({}, 5, None, 5),
        ({}, None, None, None),
    ],
)
async def test_key_route_and_request_set_the_limit(
    key: dict[str, object], route: float | None, option: float | None, limit: float | None
) -> None:
    options = {} if route is None else {"max_session_usd": route}
    routes = {"task/mine": {"models": ["a/one"], "options": options}}
    env = {"GATEWAY_KEYS": one_key(**key), "TASK_ROUTES": json.dumps(routes), "BUDGET_HOLD": "worst"}
    world = World(env)
    world.memory.catalog.catalog = catalog_of(listed("a/one"))

    shown = (await ask(world, limit=option, path="/v1/plan", models=["task/mine"])).json

    assert shown["limits"]["max_session_usd"] == limit
    assert shown["limits"]["max_cost_usd"] == limit  # what is left of it bounds one request
    assert shown["decided_by"].get("budget_left_usd") == limit


async def test_money_in_flight_counts() -> None:
    world = costing(0.000_01)
    world.script("a/one", after(10.0, answer()))
    # One prompt byte costs one micro-dollar at most, and a token of the answer two.
    one = asyncio.create_task(ask(world, limit=0.001, max_tokens=350))
    await asyncio.sleep(1.0)

    second = await ask(world, limit=0.001, max_tokens=350)
    await one
    third = await ask(world, limit=0.001, max_tokens=350)

    assert (second.status, second.error["code"]) == (429, "budget_in_flight")
    assert "of the budget of this session (max_session_usd)" in second.error["message"]
    details = second.error["metadata"]
    assert (details["scope"], "period" in details) == ("session", False)
    assert details["held_usd"] + details["left_usd"] == pytest.approx(0.001)
    assert details["needed_usd"] > details["left_usd"] > 0
    assert details["would_help"] == ["retry_after", "fewer_requests_at_once", "lower_max_tokens"]
    assert third.status == 200


async def test_a_session_all_of_whose_rest_is_held_waits_too() -> None:
    world = costing(0.000_01)
    world.env = {"UNKNOWN_PRICE_USD": "0.001"}
    world.script("not/listed", after(10.0, answer()))
    one = asyncio.create_task(ask(world, models=["not/listed"]))
    await asyncio.sleep(1.0)

    refused = await ask(world)
    await one

    assert (refused.status, refused.error["code"]) == (429, "budget_in_flight")
    assert (refused.error["metadata"]["scope"], refused.error["metadata"]["left_usd"]) == ("session", 0)


@pytest.mark.parametrize(("hold", "limit"), [("estimate", 0.002), ("worst", 0.01)])
async def test_an_attempt_that_does_not_fit_the_budget_does_not_begin(hold: str, limit: float) -> None:
    # An answer without a limit is expected to take 1,000 tokens, and takes 10,000 at most.
    world = costing(0.000_01)
    world.env = {"BUDGET_HOLD": hold}

    got = await ask(world, limit=limit, max_tokens=5_000)

    assert (got.status, got.error["code"]) == (402, "budget_too_small")
    assert world.upstream.received == []
    assert (await ask(world, limit=limit + 0.000_5, max_tokens=5_000)).status == 200


async def test_another_isolate_counts_what_the_ledger_has() -> None:
    world = ledger_world().script("a/one", answer(usage={**USAGE, "cost": 0.001}))
    await ask(world)

    got = await ask(another_isolate(world))

    assert got.error["code"] == "session_budget_spent"
    assert world.database.rows("SELECT cost_micros FROM session_spend") == [{"cost_micros": 1_000}]
    assert "s-1" not in json.dumps(world.database.rows("SELECT * FROM session_spend"))


async def test_an_isolate_counts_a_request_once_although_the_ledger_has_it() -> None:
    world = ledger_world().script("a/one", answer(usage={**USAGE, "cost": 0.000_1}))
    for limit in (None, 0.001, None):
        await ask(world, limit=limit)
        await asyncio.sleep(11.0)

    got = await ask(world, limit=0.000_1)

    assert got.error["metadata"]["spent_usd"] == 0.000_3


async def test_a_reservation_of_another_isolate_counts() -> None:
    world = ledger_world().script("a/one", after(2.0, answer()))
    task = asyncio.create_task(ask(world, limit=0.001, max_tokens=350))
    await asyncio.sleep(1.0)

    other = another_isolate(world)
    got = await ask(other, limit=0.001, max_tokens=350)
    await task
    await asyncio.sleep(2.0)  # as `Retry-After` says
    later = await ask(other, limit=0.001, max_tokens=350)

    assert later.status == 200
    assert (got.status, got.error["code"]) == (429, "budget_in_flight")
    assert got.error["metadata"]["scope"] == "session"
    assert world.database.rows("SELECT session FROM reservations") == []


async def test_a_reservation_without_a_row_becomes_spent() -> None:
    world = ledger_world()
    world.database.rows(
        "INSERT INTO reservations "
        "(ticket, key, day, micros, worst_micros, isolate, request_id, at_ms, session) "
        "VALUES ('t', 'one', '2026-11-22', 9000, 20000, 'gone', 'r', 0, 'd')"
    )
    await asyncio.sleep(MAX_AGE_S + 1.0)

    await close_reservations(world.ports)

    shown = world.database.rows("SELECT session, cost_micros FROM session_spend")
    assert shown == [{"session": "d", "cost_micros": 20_000}]


async def test_an_unsettled_cost_counts_at_its_ceiling_until_it_is_settled() -> None:
    body = {"choices": [{"message": {"content": "Hi"}, "finish_reason": "stop"}], "usage": USAGE}
    without_cost = reply(200, json.dumps(body).encode(), x_generation_id="gen-1")
    world = ledger_world().script("a/one", without_cost)
    await ask(world, limit=1.0)
    other = another_isolate(world)

    before = (await ask(other, limit=0.000_01)).error["metadata"]["spent_usd"]
    world.upstream.pages["/generation?id=gen-1"] = (reply(200, b'{"data": {"total_cost": 0.00005}}'),)
    await asyncio.sleep(61.0)
    assert await settle_costs(Settings.from_env(ENV.get).upstream, world.ports) == 1
    settled = (await ask(another_isolate(world), limit=0.000_01)).error["metadata"]["spent_usd"]

    assert before > settled == 0.000_05


async def test_a_ledger_that_fails_leaves_the_isolates_own_count() -> None:
    world = ledger_world().script("a/one", answer(usage={**USAGE, "cost": 0.001}))
    world.database.broken = True

    assert [(await ask(world)).status for _ in range(2)] == [200, 402]


async def test_a_caller_with_a_key_of_its_own_may_bound_its_session() -> None:
    own = "sk-or-v1-" + "a" * 40
    world = ledger_world(ALLOW_CLIENT_KEYS="true").script("a/one", answer(usage={**USAGE, "cost": 0.001}))
    world.upstream.pages["/key"] = (reply(200, b'{"data": {"label": "x", "limit": null, "usage": 0}}'),)

    statuses = [(await ask(world, token=own)).status for _ in range(2)]

    assert statuses == [200, 402]
    assert (await ask(another_isolate(world), token=own)).status == 402
    assert world.database.rows("SELECT * FROM reservations") == []
    assert world.database.rows("SELECT * FROM spend") == []


async def test_a_session_has_no_alerts() -> None:
    batches = []
    for url in ("", "https://hooks.example/x"):
        world = ledger_world(ALERT_WEBHOOK_URL=url).script("a/one", answer(usage={**USAGE, "cost": 0.001}))
        await ask(world)
        batches.append(world.database.batches)
        assert world.upstream.alerts == []

    assert batches[0] == batches[1]


async def test_old_sessions_are_forgotten() -> None:
    world = ledger_world()
    for day in ("2020-01-01", "2026-11-21"):
        world.database.rows(
            "INSERT INTO session_spend (session, day, cost_micros) VALUES (?, ?, 1)", day, day
        )

    await forget_old_rows(world.ports, days=90, rows=1_000)

    assert world.database.rows("SELECT day FROM session_spend") == [{"day": "2026-11-21"}]


async def test_a_request_without_a_session_adds_no_session() -> None:
    world = ledger_world()

    await ask(world, session=None)
    await ask(world, session=None, user="u")

    assert world.database.rows("SELECT * FROM session_spend") == []


@pytest.mark.parametrize("named", [{}, {"user": "u"}])
async def test_a_receipt_notes_that_no_session_is_bound(named: dict[str, Any]) -> None:
    assert (await ask(World(), session=None, **named)).receipt["notes"] == [NO_SESSION]
    assert "notes" not in (await ask(costing(0.000_01), **named)).receipt


@pytest.mark.parametrize("value", [0, -1, "1", True])
async def test_a_wrong_limit_is_named(value: object) -> None:
    got = await ask(World(), limit=None, gateway={"max_session_usd": value})

    assert (got.status, got.error["param"]) == (400, "gateway.max_session_usd")
