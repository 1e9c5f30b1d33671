"""Tests that requests hold estimates: many fit at once, and the excess of a budget has a known bound."""

import asyncio
import json
from typing import Any

import pytest

from gateway.http.json_values import JsonObject
from gateway.ledger.reservations import MAX_AGE_S, close_reservations
from gateway.memory.answer_lengths import MIN_LENGTHS
from gateway.memory.spending import FRESH_S, MIN_REREAD_S
from tests.support.bank import Bank, Isolates
from tests.support.chunks import DONE, chunk, text
from tests.support.documented_key import documented_key
from tests.support.planning import catalog_of, listed
from tests.support.sqlite_database import SqliteDatabase
from tests.support.upstream import HANG, Act, after, answer, fail, healthy_stream, stream
from tests.support.world import TOKEN, Answer, World, chat, finish, one_key

pytestmark = pytest.mark.anyio
ADMIN_TOKEN = "canary-of-the-admins-token"
# A prompt token costs one micro-dollar, a completion token two. An answer has 10,000 tokens at most.
MODEL = listed("a/one")
EXPENSIVE = listed(
    "openai/gpt-6.1-sol",
    pricing={"prompt": "0.000002", "completion": "0.000012"},
    top_provider={"max_completion_tokens": 128_000},
)
# Without a limit an answer is expected to take 1,000 tokens. The prompt takes some more.
ESTIMATE_MICROS = 2_000


def world(*, day_usd: float = 1.0, **env: str) -> World:
    made = World({"GATEWAY_KEYS": one_key(budget={"day_usd": day_usd}), **env}, database=SqliteDatabase())
    made.memory.catalog.catalog = catalog_of(MODEL, EXPENSIVE)
    return made


async def ask(made: World, *, token: str = TOKEN, **fields: object) -> Answer:
    body = chat("a/one") | fields
    return await finish(await made.begin(body, headers={"authorization": f"Bearer {token}"}))


def taking(tokens: int, *, usd: float = 0.000_01) -> Act:
    return answer(usage={"prompt_tokens": 1, "completion_tokens": tokens, "cost": usd})


async def plan_of(made: World, **fields: object) -> dict[str, Any]:
    return (await finish(await made.begin(chat("a/one") | fields, path="/v1/plan"))).json


async def held_micros(made: World, **fields: object) -> int:
    usd: float = (await plan_of(made, **fields))["chain"][0]["held_cost_usd"]
    return round(usd * 1e6)


@pytest.mark.parametrize("stream_it", [False, True])
async def test_twelve_requests_at_once_pass_under_the_documented_key(stream_it: bool) -> None:
    made = World({"GATEWAY_KEYS": documented_key(TOKEN)}, database=SqliteDatabase())
    made.memory.catalog.catalog = catalog_of(EXPENSIVE)
    made.script("openai/gpt-6.1-sol", after(5.0, healthy_stream() if stream_it else answer()))

    got = await asyncio.gather(*(made.ask("openai/gpt-6.1-sol", stream=stream_it) for _ in range(12)))

    assert [each.status for each in got] == [200] * 12


@pytest.mark.parametrize("hold", ["estimate", "worst"])
async def test_200_requests_at_once_exceed_a_budget_by_their_answers_beyond_the_estimate(hold: str) -> None:
    limit, cost = 100_000, 9_000
    bank = Bank()
    made = Isolates(1, limit_micros=limit, bank=bank, hold=hold)

    for _ in range(200):
        made.ask(0, "plain", cost)
    await made.end()

    in_flight = made.holds.most_in_flight
    assert in_flight == len(bank.billed)
    if hold == "worst":
        assert 0 < bank.total <= limit
        assert made.holds.overshoot_micros == 0
    else:
        assert limit < bank.total <= limit + in_flight * (cost - ESTIMATE_MICROS)
        assert bank.total <= limit + made.holds.overshoot_micros


async def test_a_request_alone_is_admitted_if_its_estimate_fits() -> None:
    assert (await ask(world(day_usd=0.003))).status == 200
    alone = await ask(world(day_usd=0.003, BUDGET_HOLD="worst"))
    assert (alone.status, alone.error["code"]) == (402, "budget_too_small")
    too_small = await ask(world(day_usd=0.001))
    assert (too_small.status, too_small.error["code"]) == (402, "budget_too_small")


async def test_a_limit_on_tokens_that_is_lower_than_the_expected_length_counts() -> None:
    made = world()

    unlimited, short = await held_micros(made), await held_micros(made, max_tokens=100)
    assert unlimited - short == pytest.approx(1_800, abs=20)
    assert await held_micros(made, max_tokens=5_000) == pytest.approx(unlimited, abs=20)
    assert await held_micros(made, max_tokens=100, n=3) - short == pytest.approx(400, abs=20)


async def test_a_request_never_holds_more_than_it_may_cost() -> None:
    made = world()
    plan = (await plan_of(made, max_tokens=1))["chain"][0]

    assert 0 < plan["held_cost_usd"] <= plan["worst_cost_usd"]


async def test_longer_answers_of_a_model_to_a_key_raise_what_its_requests_hold() -> None:
    made = world().script("a/one", taking(4_000))
    before = await held_micros(made)

    await ask(made)

    assert await held_micros(made) - before == 2 * (4_000 - 1_000)


@pytest.mark.parametrize("streamed", [False, True])
async def test_many_short_answers_lower_what_requests_hold(streamed: bool) -> None:
    usage: JsonObject = {"prompt_tokens": 1, "completion_tokens": 50, "cost": 0.000_1}
    act = stream(text("Hello."), chunk({}, finish="stop", usage=usage), DONE) if streamed else taking(50)
    made = world().script("a/one", act)
    before = await held_micros(made)

    for _ in range(MIN_LENGTHS):
        assert (await ask(made, stream=streamed)).status == 200

    assert before - await held_micros(made) == 2 * (1_000 - 50)


async def test_answers_that_their_limit_ended_do_not_lower_what_requests_hold() -> None:
    made = world().script("a/one", taking(50))
    before = await held_micros(made)

    for _ in range(MIN_LENGTHS):
        await ask(made, max_tokens=50)

    assert await held_micros(made) == before


async def test_an_upstream_that_reports_absurd_lengths_makes_no_request_hold_more_than_its_worst() -> None:
    made = world(day_usd=1.0).script("a/one", taking(10**15))
    await ask(made)

    plan = (await plan_of(made))["chain"][0]
    assert plan["held_cost_usd"] <= plan["worst_cost_usd"] < 0.03


async def test_the_ceiling_of_a_request_is_compared_with_its_worst_cost() -> None:
    made = world()

    assert (await ask(made, gateway={"max_cost_usd": 0.003})).error["code"] == "over_max_cost"
    assert (await ask(made, gateway={"max_cost_usd": 0.03})).status == 200


async def test_an_answer_that_nobody_saw_to_its_end_counts_at_its_ceiling() -> None:
    made = world(day_usd=0.03).script("a/one", after(100.0, answer()))
    options = {"attempt_ms": 1_000, "retries": 0}

    assert (await ask(made, gateway=options)).error["code"] == "attempt_timeout"
    refused = await ask(made, gateway=options, max_tokens=9_000)

    # 20,000 micro-dollars for 10,000 tokens are owed: less than 10,000 are left.
    assert refused.error["code"] == "attempt_timeout"
    assert (await ask(made, gateway=options)).error["code"] == "budget_spent"


async def test_a_hedge_holds_two_estimates() -> None:
    made = world(day_usd=0.005)
    made.memory.catalog.catalog = catalog_of(MODEL, listed("b/two"))
    made.script("a/one", after(10.0, answer())).script("b/two", answer())

    got = await ask(made, models=["a/one", "b/two"], gateway={"hedge_ms": 100})

    assert (got.status, got.receipt["served"]) == (200, "b/two")


async def test_the_reservation_is_what_is_held_and_a_lost_request_counts_at_its_ceiling() -> None:
    made = world().script("a/one", after(HANG, answer()))
    task = asyncio.ensure_future(ask(made))
    await asyncio.sleep(1)
    (row,) = made.database.rows("SELECT micros, worst_micros FROM reservations")
    assert ESTIMATE_MICROS < int(str(row["micros"])) < 2_200
    assert 20_000 < int(str(row["worst_micros"])) < 20_500

    made.background.clear()
    await asyncio.sleep(MAX_AGE_S)
    await close_reservations(made.ports)
    lost = made.database.rows("SELECT cost_micros FROM requests WHERE outcome = 'lost'")
    assert lost == [{"cost_micros": row["worst_micros"]}]
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def test_a_refusal_says_what_is_held_and_left_and_what_would_help() -> None:
    made = world(day_usd=0.003).script("a/one", after(5.0, answer()))
    holding = asyncio.ensure_future(ask(made))
    await asyncio.sleep(1)

    refused = await ask(made)

    assert (refused.status, refused.error["code"]) == (429, "budget_in_flight")
    assert (refused.headers["retry-after"], "x-should-retry" in refused.headers) == ("2", False)
    details = refused.error["metadata"]
    assert details["retryable"] is True
    assert (details["scope"], details["period"]) == ("key", "day")
    assert ESTIMATE_MICROS <= details["held_usd"] * 1e6 <= 2_200
    assert details["held_usd"] + details["left_usd"] == pytest.approx(0.003)
    assert details["needed_usd"] > details["left_usd"]
    assert details["would_help"] == ["retry_after", "fewer_requests_at_once", "lower_max_tokens"]
    assert "hold $0.002" in refused.error["message"]
    assert "is left" in refused.error["message"]
    assert refused.receipt["skipped"][0]["reason"] == "budget_in_flight"
    await holding
    assert (await ask(made, max_tokens=10)).status == 200


async def test_a_refusal_when_nothing_is_left_says_the_same() -> None:
    made = world(day_usd=0.003, UNKNOWN_PRICE_USD="0.003").script("not/listed", after(5.0, answer()))
    holding = asyncio.ensure_future(ask(made, models=["not/listed"]))
    await asyncio.sleep(1)

    refused = await ask(made)

    assert (refused.status, refused.error["code"], refused.headers["retry-after"]) == (
        429,
        "budget_in_flight",
        "2",
    )
    details = refused.error["metadata"]
    assert (details["held_usd"], details["left_usd"]) == (0.003, 0)
    assert details["would_help"] == ["retry_after", "fewer_requests_at_once"]
    await holding


async def test_a_refusal_at_the_moment_of_the_attempt_says_the_same() -> None:
    made = world(day_usd=0.003).script("a/one", after(5.0, answer()))

    got = await asyncio.gather(*(ask(made) for _ in range(3)))

    refused = [each for each in got if each.status != 200]
    assert len(refused) == 2
    for each in refused:
        assert (each.status, each.error["code"]) == (429, "budget_in_flight")
        assert {"held_usd", "left_usd", "needed_usd", "would_help"} <= each.error["metadata"].keys()


async def test_only_an_admin_is_told_what_is_held_of_the_budget_of_all_keys() -> None:
    entries = [{"name": "one", "token": TOKEN}, {"name": "boss", "token": ADMIN_TOKEN, "admin": True}]
    made = World(
        {"GATEWAY_KEYS": json.dumps(entries), "BUDGET_DAY_USD": "0.003"}, database=SqliteDatabase()
    ).script("a/one", after(5.0, answer()))
    made.memory.catalog.catalog = catalog_of(MODEL)
    holding = asyncio.ensure_future(ask(made))
    await asyncio.sleep(1)

    ours, admins = await ask(made), await ask(made, token=ADMIN_TOKEN)

    assert {each.error["metadata"]["scope"] for each in (ours, admins)} == {"all_keys"}
    assert not {"held_usd", "left_usd", "needed_usd"} & ours.error["metadata"].keys()
    assert "$" not in ours.error["message"]
    assert admins.error["metadata"]["held_usd"] > 0
    await holding


async def test_money_that_another_isolate_holds_is_a_short_wait_too() -> None:
    made = world(day_usd=0.01)
    made.database.rows(
        "INSERT INTO reservations (ticket, key, day, micros, isolate, request_id, at_ms, worst_micros) "
        "VALUES ('t', 'one', '2026-11-22', 10000, 'another', 'r', 0, 10000)"
    )

    refused = await ask(made)
    assert (refused.status, refused.error["code"], refused.headers["retry-after"]) == (
        429,
        "budget_in_flight",
        "2",
    )

    made.database.rows("DELETE FROM reservations")
    assert MIN_REREAD_S < 2.0 < FRESH_S
    await asyncio.sleep(2.0)  # as `Retry-After` says
    assert (await ask(made)).status == 200


async def test_a_request_of_unknown_cost_waits_if_another_isolate_holds_all() -> None:
    made = world(day_usd=0.01)
    made.database.rows(
        "INSERT INTO reservations (ticket, key, day, micros, isolate, request_id, at_ms, worst_micros) "
        "VALUES ('t', 'one', '2026-11-22', 9999, 'another', 'r', 0, 9999)"
    )
    assert (await ask(made, models=["not/listed"])).status == 200  # holds what is left

    made = world(day_usd=0.01)
    made.database.rows(
        "INSERT INTO reservations (ticket, key, day, micros, isolate, request_id, at_ms, worst_micros) "
        "VALUES ('t', 'one', '2026-11-22', 20000, 'another', 'r', 0, 20000)"
    )
    assert (await ask(made, models=["not/listed"])).error["code"] == "budget_in_flight"
    assert made.upstream.received == []


@pytest.mark.parametrize("hold", ["estimate", "worst"])
async def test_a_plan_shows_what_is_left_as_a_ceiling_only_if_it_is_one(hold: str) -> None:
    plan = await plan_of(world(day_usd=0.5, BUDGET_HOLD=hold))

    assert plan["limits"]["max_cost_usd"] == (0.5 if hold == "worst" else None)
    assert plan["decided_by"]["budget_left_usd"] == 0.5
    assert (plan["chain"][0]["held_cost_usd"] == plan["chain"][0]["worst_cost_usd"]) == (hold == "worst")


async def test_the_length_of_several_answers_counts_for_each() -> None:
    made = world().script("a/one", taking(9_000))
    before = await held_micros(made)

    await ask(made, n=3)

    assert await held_micros(made) - before == 2 * (3_000 - 1_000)


async def test_a_second_attempt_reserves_what_the_first_may_have_cost_and_its_own_hold() -> None:
    made = world()
    made.memory.catalog.catalog = catalog_of(MODEL, listed("b/two"))
    made.script("a/one", after(HANG, answer())).script("b/two", after(HANG, answer()))
    options = {"attempt_ms": 5_000, "retries": 0}
    task = asyncio.ensure_future(ask(made, models=["a/one", "b/two"], gateway=options))
    await asyncio.sleep(7)

    (row,) = made.database.rows("SELECT micros, worst_micros FROM reservations")
    assert 22_000 < int(str(row["micros"])) < 22_500  # the first one's ceiling, the second one's estimate
    assert 40_000 < int(str(row["worst_micros"])) < 41_000
    assert made.memory.spending.held("one", now_s=made.ports.now_s()) == row["micros"]
    assert (await task).error["code"] == "attempt_timeout"


async def test_a_hedge_of_unknown_cost_takes_no_money_that_another_isolate_holds() -> None:
    made = world(day_usd=0.01)
    made.database.rows(
        "INSERT INTO reservations (ticket, key, day, micros, isolate, request_id, at_ms, worst_micros) "
        "VALUES ('t', 'one', '2026-11-22', 1000, 'another', 'r', 0, 1000)"
    )
    made.script("not/listed", after(10.0, answer())).script("nor/this", answer())

    got = await ask(made, models=["not/listed", "nor/this"], gateway={"hedge_ms": 100})

    assert got.receipt["served"] == "not/listed"
    assert made.upstream.models == ["not/listed"]


async def test_a_refusal_after_a_cooldown_says_the_same() -> None:
    made = world(day_usd=0.003)
    made.memory.catalog.catalog = catalog_of(MODEL, listed("b/two"))
    made.script("a/one", fail(429, retry_after="4"), answer()).script("b/two", after(20.0, answer()))
    assert (await ask(made, gateway={"retries": 0, "deadline_ms": 1_000})).error["code"] == "rate_limited"
    waiting = asyncio.ensure_future(ask(made))
    await asyncio.sleep(1)
    holding = asyncio.ensure_future(ask(made, models=["b/two"]))

    refused = await waiting

    assert (refused.status, refused.error["code"]) == (429, "budget_in_flight")
    assert {"held_usd", "left_usd", "needed_usd", "would_help"} <= refused.error["metadata"].keys()
    assert (await holding).status == 200
