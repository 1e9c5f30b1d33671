"""Tests what requests in flight hold of a budget: each attempt is admitted by what is left when it begins."""

import asyncio
import json
from collections.abc import Sequence
from typing import Any

import pytest

from gateway.http.json_values import JsonObject
from gateway.memory.database import query_database
from gateway.memory.ports import Ports, Statement
from gateway.memory.spending import FRESH_S
from gateway.pipeline.read_spending import _BACKLOG
from gateway.settings.budget import micros_of, shown_usd
from tests.support.bank import Bank, Isolates
from tests.support.chunks import text
from tests.support.planning import catalog_of, listed
from tests.support.sqlite_database import SqliteDatabase
from tests.support.upstream import RESET, Act, after, answer, stream
from tests.support.world import TOKEN, Answer, World, chat, finish

pytestmark = pytest.mark.anyio
OTHER_TOKEN = "canary-of-another-token"
ADMIN_TOKEN = "canary-of-the-admins-token"
# A prompt token costs one micro-dollar, a completion token two: see ``tests.support.planning.listed``.
LINKED = {"type": "file", "file": {"filename": "a.pdf", "file_data": "https://pages.example/a.pdf"}}
UNKNOWN = listed("b/two", pricing={"prompt": "-1", "completion": "-1"})


def world(*, day_usd: float = 1.0, **env: str) -> World:
    entries = [
        {"name": "one", "token": TOKEN, "budget": {"day_usd": day_usd}},
        {"name": "two", "token": OTHER_TOKEN},
        {"name": "boss", "token": ADMIN_TOKEN, "admin": True},
    ]
    made = World({"GATEWAY_KEYS": json.dumps(entries), **env}, database=SqliteDatabase())
    made.memory.catalog.catalog = catalog_of(listed("a/one"), UNKNOWN, listed("c/three"))
    return made


async def ask(
    made: World, *, token: str = TOKEN, path: str = "/v1/chat/completions", **fields: object
) -> Answer:
    body = {**chat("a/one"), "max_tokens": 10, **fields}
    return await finish(await made.begin(body, path=path, headers={"authorization": f"Bearer {token}"}))


def costing(usd: float, content: str = "Hello.") -> Act:
    return answer(content, usage={"prompt_tokens": 1, "completion_tokens": 1, "cost": usd})


def billed_usd(made: World, usd: float) -> float:
    return len(made.upstream.received) * usd


@pytest.mark.parametrize(
    ("kind", "guarded"),
    [
        pytest.param("leave", {}, id="their clients leave"),
        pytest.param("stream", {"STREAM_GUARD_EVENTS": "0"}, id="they are piped without being watched"),
        pytest.param("no usage", {}, id="they tell no usage"),
    ],
)
async def test_streams_whose_costs_are_told_later_use_up_the_budget(
    kind: str, guarded: dict[str, str]
) -> None:
    bank = Bank()
    made = Isolates(1, limit_micros=1_000_000, bank=bank, hold="worst", **guarded)

    for _ in range(40):
        made.ask(0, kind, 450_000, 240_000)
        await asyncio.sleep(FRESH_S)
    await made.end()

    assert 450_000 <= bank.total <= 1_000_000


@pytest.mark.parametrize(
    "fields",
    [
        pytest.param({"models": ["b/two"]}, id="a router"),
        pytest.param({"models": ["not/listed"]}, id="a model that is not listed"),
        pytest.param({"plugins": [{"id": "web"}]}, id="a plugin"),
        pytest.param({"preset": "x"}, id="a preset"),
        pytest.param({"web_search_options": {}}, id="a web search"),
        pytest.param({"service_tier": "priority"}, id="a service tier"),
        pytest.param({"models": ["a/one:nitro"]}, id="a variant"),
        pytest.param({"messages": [{"role": "user", "content": [LINKED]}]}, id="a file by link"),
        pytest.param({"tools": [{"type": "openrouter:web_search"}]}, id="a server tool"),
        pytest.param({"provider": {"order": ["expensive"]}}, id="a provider"),
    ],
)
async def test_requests_of_unknown_cost_hold_the_unknown_price(fields: dict[str, Any]) -> None:
    made = world(day_usd=0.5, UNKNOWN_PRICE_USD="0.2")
    for model in ("a/one", "b/two", "not/listed", "a/one:nitro"):
        made.script(model, after(1.0, costing(0.2)))

    got = await asyncio.gather(*(ask(made, **fields) for _ in range(20)))

    assert sorted({each.status for each in got}) == [200, 429]
    assert billed_usd(made, 0.2) <= 0.5


async def test_if_less_than_the_unknown_price_is_left_one_request_at_a_time_holds_it_all() -> None:
    made = world(day_usd=0.5, UNKNOWN_PRICE_USD="5").script("b/two", after(1.0, costing(0.1)))

    at_once = await asyncio.gather(*(ask(made, models=["b/two"]) for _ in range(5)))
    afterwards = await ask(made, models=["b/two"])

    assert sorted(each.status for each in at_once) == [200, 429, 429, 429, 429]
    assert afterwards.status == 200


async def test_each_attempt_is_admitted_by_what_is_left_when_it_begins() -> None:
    made = world(day_usd=0.01)
    made.script("a/one", after(1.0, costing(0.0009, content="no JSON")))
    options = {"retries": 10}
    wants_json: dict[str, Any] = {"response_format": {"type": "json_object"}, "max_tokens": 400}

    await asyncio.gather(*(ask(made, gateway=options, **wants_json) for _ in range(9)))

    assert billed_usd(made, 0.0009) <= 0.01


@pytest.mark.parametrize(
    "options", [{"on_midstream": "restart"}, {"on_midstream": "continue"}, {"on_midstream": "hold"}], ids=str
)
async def test_a_model_that_takes_over_is_admitted_by_what_is_left_by_then(options: dict[str, Any]) -> None:
    made = world(day_usd=0.01, BUDGET_HOLD="worst").script("a/one", stream(text("Half "), RESET))

    got = await ask(
        made, models=["a/one", "c/three"], stream=True, max_tokens=3_000, gateway={**options, "retries": 0}
    )
    await made.let_run()

    assert made.upstream.models == ["a/one"]
    assert "over_budget" in got.body.decode() or "budget_too_small" in got.body.decode()


async def test_a_second_model_that_is_hedged_is_admitted_by_what_is_left_by_then() -> None:
    made = world(day_usd=0.01, BUDGET_HOLD="worst").script("a/one", after(5.0, costing(0.001)))

    got = await ask(made, models=["a/one", "c/three"], max_tokens=3_000, gateway={"hedge_ms": 100})

    assert (got.status, made.upstream.models) == (200, ["a/one"])


async def test_money_that_is_only_held_is_a_short_wait_and_no_refusal() -> None:
    made = world(BUDGET_DAY_USD="0.01", BUDGET_HOLD="worst").script("a/one", after(1.0, costing(0.000_001)))
    holding = asyncio.create_task(ask(made, max_tokens=4_900))
    await asyncio.sleep(0.5)

    held = await ask(made, token=OTHER_TOKEN, max_tokens=1_000)
    assert (held.status, held.error["code"], held.headers["retry-after"]) == (429, "budget_in_flight", "2")
    assert held.error["metadata"]["retryable"] is True
    assert "x-should-retry" not in held.headers

    await holding
    assert (await ask(made, token=OTHER_TOKEN, max_tokens=1_000)).status == 200


@pytest.mark.parametrize(
    ("max_tokens", "others_tokens", "reason"), [(4_000, 900, "budget_in_flight"), (4_800, 100, "over_budget")]
)
async def test_a_further_model_is_skipped_because_of_what_others_hold_or_what_is_spent(
    max_tokens: int, others_tokens: int, reason: str
) -> None:
    made = world(BUDGET_DAY_USD="0.01", BUDGET_HOLD="worst")
    made.script("a/one", after(1.0, costing(0.001, content=""))).script("b/two", after(9.0, costing(0.001)))
    made.memory.catalog.catalog = catalog_of(listed("a/one"), listed("b/two"), listed("c/three"))

    other = asyncio.create_task(ask(made, token=OTHER_TOKEN, models=["b/two"], max_tokens=others_tokens))
    got = await ask(made, models=["a/one", "c/three"], max_tokens=max_tokens, gateway={"retries": 0})
    await other

    assert {each["model"]: each["reason"] for each in got.receipt["skipped"]} == {"c/three": reason}


async def test_the_message_of_a_small_budget_names_what_an_attempt_holds() -> None:
    made = world(BUDGET_DAY_USD="0.0001")

    got = await ask(made, max_tokens=100_000)

    (skipped,) = got.receipt["skipped"]
    held, worst = (shown_usd(micros_of(skipped[name])) for name in ("held_cost_usd", "worst_cost_usd"))
    assert held != worst
    assert f"one attempt needs {held} of the budget" in got.error["message"]
    assert worst not in got.error["message"]


async def test_what_never_fits_the_budget_is_not_worth_a_wait() -> None:
    made = world(BUDGET_DAY_USD="0.01", BUDGET_HOLD="worst").script("a/one", after(1.0, answer()))
    holding = asyncio.create_task(ask(made, max_tokens=4_000))
    await asyncio.sleep(0.5)

    got = await ask(made, token=OTHER_TOKEN, max_tokens=100_000)

    assert (got.status, got.error["code"], got.headers["x-should-retry"]) == (
        402,
        "budget_too_small",
        "false",
    )
    await holding


async def test_only_an_admin_learns_what_all_keys_together_have_spent() -> None:
    made = world(BUDGET_DAY_USD="2", BUDGET_HOLD="worst")
    assert (await ask(made, token=OTHER_TOKEN, path="/v1/plan")).json["limits"]["max_cost_usd"] is None
    assert "budget_left_usd" not in (await ask(made, token=OTHER_TOKEN, path="/v1/plan")).json["decided_by"]
    assert (await ask(made, token=ADMIN_TOKEN, path="/v1/plan")).json["limits"]["max_cost_usd"] == 2
    assert (await ask(made, path="/v1/plan")).json["limits"]["max_cost_usd"] == 1

    made = world(BUDGET_DAY_USD="2")
    made.database.rows("INSERT INTO spend VALUES ('gone', '2026-11-22', 2000000, 1)")
    amounts = {"limit_usd", "spent_usd"}
    for token, known in ((OTHER_TOKEN, set()), (ADMIN_TOKEN, amounts)):
        details = (await ask(made, token=token)).error["metadata"]
        assert (details["scope"], amounts & details.keys()) == ("all_keys", known)


async def test_a_row_in_the_ledger_reserves_the_ceiling_before_the_first_call() -> None:
    made = world()
    seen: list[JsonObject] = []

    async def look(request: object) -> object:
        seen.extend(made.database.rows("SELECT key, day, micros FROM reservations"))
        return await costing(0.000_1)(request)  # type: ignore[arg-type]  # httpx's

    made.script("a/one", look)  # type: ignore[arg-type]  # as an Act
    await ask(made, max_tokens=100)

    assert [(each["key"], each["day"]) for each in seen] == [("one", "2026-11-22")]
    assert int(str(seen[0]["micros"])) > 200
    await made.let_run()
    assert made.database.rows("SELECT * FROM reservations") == []


async def test_another_isolate_counts_what_a_killed_one_had_reserved() -> None:
    made = world(day_usd=0.01)
    made.database.rows(
        "INSERT INTO reservations (ticket, key, day, micros, isolate, request_id, at_ms, worst_micros) "
        "VALUES ('t', 'one', '2026-11-22', 9000, 'a dead isolate', 'r', 0, 9000)"
    )

    assert (await ask(made, max_tokens=5_000)).error["code"] == "budget_in_flight"
    assert (await ask(made, max_tokens=100)).status == 200


@pytest.mark.parametrize("reserves", ["true", "false"])
async def test_reservations_can_be_switched_off(reserves: str) -> None:
    made = world(BUDGET_RESERVATIONS=reserves)
    await ask(made)

    assert len(made.database.rows("SELECT * FROM reservations")) == (reserves == "true")


async def test_a_ledger_that_is_away_delays_a_request_once_and_refuses_none() -> None:
    made = world().script("a/one", answer(), costing(0.0001, content=""), answer())
    await ask(made)
    made.database.broken = True

    got = await ask(made)

    assert (got.status, len(got.receipt["attempts"])) == (200, 2)
    assert len(made.events("budget_not_reserved")) == 1


def leave_unsettled(made: World, key: str, count: int) -> None:
    for number in range(count):
        made.database.rows(
            "INSERT INTO unsettled (generation_id, ticket, key, day, worst_micros, tries, next_at_ms) "
            "VALUES (?, 't', ?, '2026-11-22', 1, 0, 0)",
            f"gen-{key}-{number}",
            key,
        )


async def test_while_too_many_of_its_costs_are_unsettled_a_keys_requests_under_budgets_are_refused() -> None:
    made = world(MAX_UNSETTLED="3")
    leave_unsettled(made, "one", 3)

    got = await ask(made)

    assert (got.status, got.error["code"]) == (503, "ledger_backlog")
    assert got.error["metadata"]["retryable"] is True
    assert (await ask(made, token=OTHER_TOKEN)).status == 200
    assert len(made.upstream.received) == 1


@pytest.mark.parametrize("common_usd", ["0", "1"])
async def test_unsettled_costs_of_one_key_refuse_no_other_key(common_usd: str) -> None:
    made = world(MAX_UNSETTLED="3", BUDGET_DAY_USD=common_usd)
    leave_unsettled(made, "two", 100)
    leave_unsettled(made, "one", 2)

    assert (await ask(made)).status == 200
    assert (await ask(made, token=OTHER_TOKEN)).status == (503 if common_usd == "1" else 200)


def test_the_backlog_is_read_from_an_index() -> None:
    database = SqliteDatabase()
    plan = database.rows(f"EXPLAIN QUERY PLAN {_BACKLOG}", 3)

    assert "SCAN unsettled USING COVERING INDEX unsettled_by_key" in {each["detail"] for each in plan}


async def test_a_row_that_the_database_refuses_loses_no_spending() -> None:
    made = world()
    made.database.rows(
        "CREATE TRIGGER full BEFORE INSERT ON requests BEGIN SELECT raise(ABORT, 'database is full'); END"
    )

    await ask(made, max_tokens=100)
    await made.let_run()

    assert made.database.rows("SELECT * FROM requests") == []
    assert made.database.rows("SELECT key, requests FROM spend") == [{"key": "one", "requests": 1}]
    assert made.database.rows("SELECT * FROM reservations") == []
    assert made.memory.lost_writes.count == 1


async def test_a_write_that_took_too_long_and_succeeded_counts_once(monkeypatch: pytest.MonkeyPatch) -> None:
    made = world(day_usd=0.001).script("a/one", costing(0.000_4))

    async def write_slowly(statements: Sequence[Statement], ports: Ports, *, within_s: float) -> None:
        await query_database(statements, ports, within_s=within_s)
        raise TimeoutError

    monkeypatch.setattr("gateway.ledger.write.query_database", write_slowly)
    await ask(made, max_tokens=100)
    await made.let_run()

    await asyncio.sleep(FRESH_S)
    assert (await ask(made, max_tokens=100)).status == 200
