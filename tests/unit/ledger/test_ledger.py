"""Tests that each request gets a row in the ledger, however it ends, and that no answer waits for it."""

import asyncio
import json
from typing import Any

import pytest

from tests.support.chunks import DONE, STOP, USAGE, text
from tests.support.ledger_world import ledger_world
from tests.support.upstream import (
    DIRECT_BASE_URL,
    RESET,
    Act,
    accept_key,
    after,
    answer,
    fail,
    hang,
    healthy_stream,
    reply,
    stream,
)
from tests.support.world import EPOCH_S, PROMPT, TOKEN, UPSTREAM_KEY, Answer, World, chat

pytestmark = pytest.mark.anyio
TODAY = "2026-11-22"
BACKGROUND_S = 30.0  # how long the runtime lets work run after a response
GENERATION = {"x_generation_id": "gen-1"}
CUT = reply(200, text("Hi"), RESET, content_type="text/event-stream", **GENERATION)


async def ask(made: World, *models: str, stream: bool = False, **fields: object) -> Answer:
    got = await made.ask(*models, stream=stream, max_tokens=100, **fields)
    await made.let_run()
    return got


def row_in(made: World) -> dict[str, Any]:
    (row,) = made.database.rows("SELECT * FROM requests")
    return row


def spend_in(made: World) -> list[tuple[Any, ...]]:
    return [tuple(row.values()) for row in made.database.rows("SELECT * FROM spend")]


def unsettled_in(made: World) -> list[str]:
    return [str(row["generation_id"]) for row in made.database.rows("SELECT * FROM unsettled")]


async def test_a_plain_answer_is_one_row() -> None:
    made = ledger_world(TASK_ROUTES='{"task/mine": ["a/one", "b/two"]}')
    usage = {
        "prompt_tokens": 10,
        "completion_tokens": 20,
        "cost": 0.000_123_4,
        "completion_tokens_details": {"reasoning_tokens": 5},
        "prompt_tokens_details": {"cached_tokens": 3},
    }
    made.script("a/one", fail(503)).script("b/two", answer(usage=usage, provider="Example"))

    got = await ask(made, "task/mine")

    row = row_in(made)
    assert row.pop("id") == 1
    assert row.pop("ticket")
    assert row == {
        "at_ms": round(EPOCH_S * 1000),
        "request_id": got.headers["x-request-id"],
        "key": "tests",
        "route": "task/mine",
        "requested": "a/one",
        "served": "b/two",
        "upstream": "openrouter",
        "provider": "Example",
        "attempts": 2,
        "outcome": "answered",
        "stream": 0,
        "prompt_tokens": 10,
        "completion_tokens": 20,
        "reasoning_tokens": 5,
        "cached_tokens": 3,
        "cost_micros": 123,
        "estimated_micros": 0,
        "cost_state": "known",
        "billed_failures": 0,
        "first_ms": None,
        "total_ms": 0,
    }
    assert spend_in(made) == [("tests", TODAY, 123, 1)]


async def test_a_stream_is_one_row_with_the_time_to_its_first_progress() -> None:
    made = ledger_world().script("a/one", stream(2.0, text("Hi"), 3.0, STOP, USAGE, DONE))

    await ask(made, "a/one", stream=True)

    row = row_in(made)
    assert (row["outcome"], row["stream"], row["first_ms"], row["total_ms"]) == ("answered", 1, 2_000, 5_000)
    assert row["cost_micros"] > 0
    assert row["cost_state"] == "known"


@pytest.mark.parametrize(
    ("guard_events", "usage"), [("0", USAGE), ("", b"")], ids=["natively piped", "without usage"]
)
async def test_a_streams_total_time_lasts_until_its_end(guard_events: str, usage: bytes) -> None:
    env = {"STREAM_GUARD_EVENTS": guard_events} if guard_events else {}
    made = ledger_world(**env).script("a/one", stream(2.0, text("Hi"), 3.0, STOP, usage, DONE))

    await ask(made, "a/one", stream=True)

    row = row_in(made)
    assert (row["outcome"], row["first_ms"], row["total_ms"]) == ("answered", 2_000, 5_000)
    assert [line["ms"] for line in made.events("request_done")] == [5_000]


@pytest.mark.parametrize(
    ("act", "outcome"),
    [
        pytest.param(fail(401, "User not found."), "upstream_key_rejected", id="stopped"),
        pytest.param(fail(503), "overloaded", id="failed"),
    ],
)
async def test_a_request_without_an_answer_has_a_row(act: Act, outcome: str) -> None:
    made = ledger_world().script("a/one", act)

    await ask(made, "a/one", gateway={"retries": 0})

    row = row_in(made)
    assert (row["outcome"], row["served"], row["cost_micros"], row["cost_state"]) == (
        outcome,
        None,
        0,
        "known",
    )


async def test_a_request_that_reached_no_chain_has_no_row() -> None:
    made = ledger_world()

    assert (await ask(made, "task/typo")).status == 400

    assert made.database.rows("SELECT * FROM requests") == []


async def test_an_attempt_that_failed_and_was_billed_counts() -> None:
    empty = {"index": 0, "message": {"role": "assistant", "content": ""}, "finish_reason": "stop"}
    made = ledger_world().script("a/one", answer(choices=[empty], usage={"cost": 0.5}))

    await ask(made, "a/one", "b/two")

    row = row_in(made)
    assert (row["cost_micros"], row["billed_failures"], row["cost_state"]) == (500_021, 1, "known")


async def test_the_cost_of_a_cut_off_stream_is_settled_later() -> None:
    cut = reply(200, text("Hi"), RESET, content_type="text/event-stream", **GENERATION)
    made = ledger_world().script("a/one", cut)

    await ask(made, "a/one", stream=True)

    row = row_in(made)
    assert (row["outcome"], row["cost_micros"], row["cost_state"]) == ("connection_lost", 0, "pending")
    unsettled: dict[str, Any]
    (unsettled,) = made.database.rows("SELECT * FROM unsettled")
    assert [unsettled[name] for name in ("generation_id", "key", "day", "tries")] == [
        "gen-1",
        "tests",
        TODAY,
        0,
    ]
    assert unsettled["ticket"] == row["ticket"]
    assert int(str(unsettled["worst_micros"])) > 100


async def test_the_cost_of_a_natively_piped_stream_is_settled_later() -> None:
    complete = reply(200, text("Hi"), STOP, USAGE, DONE, content_type="text/event-stream", **GENERATION)
    made = ledger_world(STREAM_GUARD_EVENTS="0").script("a/one", complete)

    await ask(made, "a/one", stream=True)

    assert row_in(made)["cost_state"] == "pending"
    assert unsettled_in(made) == ["gen-1"]


async def test_a_cost_that_cannot_be_settled_is_recorded_at_its_worst_case() -> None:
    made = ledger_world().script("a/one", hang)

    await ask(made, "a/one", gateway={"attempt_ms": 1_000, "retries": 0})

    row = row_in(made)
    assert (row["outcome"], row["cost_state"], row["billed_failures"]) == ("attempt_timeout", "estimated", 1)
    assert row["cost_micros"] > 200  # a hundred completion tokens alone cost that much
    assert spend_in(made)[0][2] == row["cost_micros"]


async def test_a_generation_id_with_odd_characters_is_ignored() -> None:
    odd = "../credits?x=1"
    event = text("Hi").replace(b"gen-1", odd.encode())
    cut = reply(200, event, RESET, content_type="text/event-stream", x_generation_id=odd)
    made = ledger_world().script("a/one", cut)

    await ask(made, "a/one", stream=True)

    assert row_in(made)["cost_state"] == "estimated"


async def test_a_request_whose_client_disconnects_has_a_row() -> None:
    made = ledger_world().script("a/one", after(1_000.0, answer()))
    task = asyncio.ensure_future(made.ask("a/one", max_tokens=100, gateway={"deadline_ms": 3_600_000}))
    await asyncio.sleep(5)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    await made.let_run()

    row = row_in(made)
    assert (row["outcome"], row["total_ms"], row["cost_state"]) == ("client_gone", 5_000, "estimated")


async def test_a_direct_answer_costs_its_declared_price() -> None:
    declared = {
        "near": {
            "base_url": DIRECT_BASE_URL,
            "usd_per_million_tokens": {"fast": {"prompt": 1, "completion": 10}},
        }
    }
    made = ledger_world(UPSTREAMS=json.dumps(declared))
    made.script("fast", answer(usage={"prompt_tokens": 100, "completion_tokens": 20}))

    await ask(made, "direct:near/fast")

    row = row_in(made)
    assert (row["upstream"], row["cost_micros"], row["cost_state"]) == ("near", 300, "known")


async def test_a_request_with_the_callers_own_key_is_in_no_sum() -> None:
    made = ledger_world(ALLOW_CLIENT_KEYS="true")
    made.upstream.pages["/key"] = (accept_key,)
    own = "sk-or-v1-canary-of-a-callers-own-key"
    response = await made.begin(
        {"models": ["a/one"], "messages": []} | {"messages": [{"role": "user", "content": "Hi"}]},
        headers={"authorization": f"Bearer {own}"},
    )
    assert response.status == 200
    await made.let_run()

    assert row_in(made)["key"].startswith("own-")
    assert spend_in(made) == []


async def test_costs_are_summed_by_key_and_day() -> None:
    made = ledger_world().script("a/one", answer(usage={"cost": 0.000_1}))
    for _ in range(3):
        await ask(made, "a/one")
    await asyncio.sleep(86_400)
    await ask(made, "a/one")

    assert spend_in(made) == [("tests", TODAY, 300, 3), ("tests", "2026-11-23", 100, 1)]


async def test_two_requests_with_the_same_id_have_two_rows() -> None:
    made = ledger_world()
    same = dict.fromkeys(("x-request-id", "idempotency-key"), "the-same")
    headers = {"authorization": f"Bearer {TOKEN}", **same}
    for _ in range(2):
        await made.begin(chat("a/one"), headers=headers)
    await made.let_run()

    assert len(made.database.rows("SELECT * FROM requests WHERE request_id = 'the-same'")) == 2


@pytest.mark.parametrize("streamed", [False, True])
async def test_the_ledger_has_no_prompt_no_answer_and_no_key(streamed: bool) -> None:
    words = "canary of the answer"
    made = ledger_world().script("a/one", healthy_stream(words) if streamed else answer(words))

    await ask(made, "a/one", stream=streamed)

    everything = str([made.database.rows(f"SELECT * FROM {table}") for table in ("requests", "spend")])  # noqa: S608  # two names
    for secret in (PROMPT, words, TOKEN, UPSTREAM_KEY):
        assert secret not in everything


@pytest.mark.parametrize("trouble", ["broken", "slow"])
async def test_a_failing_ledger_delays_no_answer_and_lost_writes_are_counted(trouble: str) -> None:
    made = ledger_world()
    made.database.broken = trouble == "broken"
    made.database.pause_s = 60.0 if trouble == "slow" else 0.0
    now_s = asyncio.get_running_loop().time

    for _ in range(2):
        began_s = now_s()
        got = await made.ask("a/one")
        assert (got.status, now_s() - began_s) == (200, 0)
        await made.let_run()
        assert now_s() - began_s < BACKGROUND_S

    assert [line["lost"] for line in made.events("ledger_write_lost")] == [1, 2]
    assert made.memory.lost_writes.count == 2


async def test_a_write_that_fails_once_is_tried_again() -> None:
    made = ledger_world()
    await made.ask("a/one")
    made.database.broken = True
    asyncio.get_running_loop().call_later(2.0, setattr, made.database, "broken", False)

    await made.let_run()

    assert (len(made.database.rows("SELECT * FROM requests")), spend_in(made)[0][3]) == (1, 1)
    assert made.memory.lost_writes.count == 0


async def test_writing_a_row_twice_counts_once() -> None:
    made = ledger_world().script(
        "a/one", reply(200, text("Hi"), RESET, content_type="text/event-stream", **GENERATION)
    )
    await made.ask("a/one", stream=True)
    (write,) = made.background

    await write()
    await write()

    assert row_in(made)["outcome"] == "connection_lost"
    assert [row[3] for row in spend_in(made)] == [1]
    assert unsettled_in(made) == ["gen-1"]


async def test_a_second_write_does_not_reopen_a_settled_cost() -> None:
    made = ledger_world().script(
        "a/one", reply(200, text("Hi"), RESET, content_type="text/event-stream", **GENERATION)
    )
    await made.ask("a/one", stream=True)
    (write,) = made.background
    await write()
    made.database.rows("DELETE FROM unsettled")

    await write()

    assert unsettled_in(made) == []


async def test_without_a_ledger_no_write_is_started() -> None:
    made = World()

    await made.ask("a/one")

    assert not [work for work in made.background if "close_request" in getattr(work, "__qualname__", "")]
    assert made.memory.lost_writes.count == 0


async def test_a_budgets_sum_includes_written_rows_once() -> None:
    keys = json.dumps([{"name": "tests", "token": TOKEN, "budget": {"day_usd": 1}}])
    made = ledger_world(GATEWAY_KEYS=keys).script("a/one", answer(usage={"cost": 0.4}))
    for _ in range(2):
        await ask(made, "a/one")
    await asyncio.sleep(30)  # the sums are read again, and nothing counts twice

    await ask(made, "a/one")

    assert made.memory.spending.spent("tests", "day", now_s=EPOCH_S + 30) == 1_200_000
    assert (await ask(made, "a/one")).error["code"] == "budget_spent"


async def test_an_alert_is_sent_after_the_row_is_written() -> None:
    keys = json.dumps([{"name": "tests", "token": TOKEN, "budget": {"day_usd": 1}}])
    made = ledger_world(GATEWAY_KEYS=keys, ALERT_WEBHOOK_URL="https://hooks.example/x")
    made.script("a/one", answer(usage={"cost": 0.6}))

    await ask(made, "a/one")

    assert [row["threshold"] for row in made.database.rows("SELECT * FROM alerts")] == [50]
    assert len(made.upstream.alerts) == 1
