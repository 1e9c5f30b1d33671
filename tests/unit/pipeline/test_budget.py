"""Tests budgets with complete requests: refusals, the cost ceiling of a chain, and what counts as spent."""

import asyncio
import json

import pytest

from gateway.memory.catalog import Catalog
from gateway.memory.spending import FRESH_S
from gateway.settings.budget import period_of
from tests.support.planning import catalog_of, listed
from tests.support.sqlite_database import SqliteDatabase
from tests.support.upstream import after, answer, fail
from tests.support.world import EPOCH_S, TOKEN, Answer, World, chat, finish

pytestmark = pytest.mark.anyio
TODAY, THIS_MONTH = "2026-11-22", "2026-11"
OTHER_TOKEN = "canary-of-another-token"
# A prompt token costs one micro-dollar, a completion token two: see ``tests.support.planning.listed``.
CHEAP = listed("a/one")


def catalog() -> Catalog:
    return catalog_of(CHEAP, listed("b/two", pricing={"prompt": "-1", "completion": "-1"}))


def world(*, day_usd: float | None = None, month_usd: float | None = None, **env: str) -> World:
    budget = {"day_usd": day_usd, "month_usd": month_usd}
    entries = [
        {
            "name": "one",
            "token": TOKEN,
            "budget": {name: usd for name, usd in budget.items() if usd is not None},
            "concurrent": 1_000,
        },
        {"name": "two", "token": OTHER_TOKEN},
    ]
    made = World({"GATEWAY_KEYS": json.dumps(entries), **env}, database=SqliteDatabase())
    made.memory.catalog.catalog = catalog()
    return made


def spend(made: World, key: str, day: str, micros: int) -> None:
    made.database.rows("INSERT INTO spend VALUES (?, ?, ?, 1)", key, day, micros)


async def ask(made: World, *, token: str = TOKEN, max_tokens: int = 10, **fields: object) -> Answer:
    body = chat() | {"models": ["a/one"], "max_tokens": max_tokens} | fields
    return await finish(await made.begin(body, headers={"authorization": f"Bearer {token}"}))


def test_the_test_clock_starts_on_this_day() -> None:
    assert (period_of("day", EPOCH_S), period_of("month", EPOCH_S)) == (TODAY, THIS_MONTH)


@pytest.mark.parametrize(
    ("limits", "period", "resets_at"),
    [({"day_usd": 1}, "day", "2026-11-23T00:00:00Z"), ({"month_usd": 1}, "month", "2026-12-01T00:00:00Z")],
    ids=["day", "month"],
)
async def test_a_spent_budget_refuses_a_request_before_any_call(
    limits: dict[str, float], period: str, resets_at: str
) -> None:
    made = world(**limits)  # type: ignore[arg-type]  # the two limits
    spend(made, "one", TODAY, 1_000_000)

    got = await ask(made)

    assert (got.status, got.error["code"], got.error["type"]) == (402, "budget_spent", "billing_error")
    details = got.error["metadata"]
    assert (details["source"], details["scope"], details["period"]) == ("gateway", "key", period)
    assert (details["limit_usd"], details["spent_usd"], details["resets_at"]) == (1.0, 1.0, resets_at)
    assert details["retry_after_s"] > 0
    assert got.error["message"].endswith(
        f" budget of this key is spent: $1.00 of $1.00. It resets at {resets_at}."
    )
    assert got.headers["x-should-retry"] == "false"
    assert made.upstream.received == []


async def test_a_spent_budget_does_not_affect_another_key() -> None:
    made = world(day_usd=1)
    spend(made, "one", TODAY, 1_000_000)

    assert (await ask(made, token=OTHER_TOKEN)).status == 200


async def test_spending_of_past_days_and_months_does_not_count() -> None:
    made = world(day_usd=1, month_usd=2)
    spend(made, "one", "2026-11-21", 1_500_000)
    spend(made, "one", "2026-10-31", 9_000_000)
    assert (await ask(made)).status == 200

    made = world(month_usd=1)
    spend(made, "one", "2026-11-01", 1_000_000)
    assert (await ask(made)).error["code"] == "budget_spent"


async def test_the_budget_of_all_keys_applies_to_every_key() -> None:
    made = world(BUDGET_DAY_USD="1")
    spend(made, "two", TODAY, 600_000)
    spend(made, "gone", TODAY, 400_000)

    for token in (TOKEN, OTHER_TOKEN):
        got = await ask(made, token=token)
        assert (got.status, got.error["metadata"]["scope"]) == (402, "all_keys")
        assert got.error["message"].startswith(
            "The daily budget of all keys together is spent. It resets at "
        )


async def test_the_remaining_budget_is_a_cost_ceiling_for_the_chain() -> None:
    made = world(day_usd=1)
    spend(made, "one", TODAY, 999_000)  # USD 0.001 is left: 1,000 prompt tokens

    short = await ask(made, max_tokens=100)
    too_long = await ask(made, max_tokens=100_000)

    assert short.status == 200
    assert (too_long.status, too_long.error["code"]) == (402, "budget_too_small")
    assert too_long.receipt["skipped"][0]["reason"] == "over_budget"
    assert len(made.upstream.received) == 1


async def test_concurrent_requests_in_one_isolate_do_not_exceed_the_budget() -> None:
    made = world(day_usd=0.001)  # enough for four answers of 100 tokens, with prompts of a few tens
    made.script("a/one", after(5.0, answer()))

    got = await asyncio.gather(*(ask(made, max_tokens=100) for _ in range(20)))

    answered = [each for each in got if each.status == 200]
    worst_micros = 200 + 2 * 100
    assert 1 <= len(answered) <= 1_000 // (2 * 100)
    assert len(answered) * worst_micros <= 2_000
    refused = [each for each in got if each.status != 200]
    assert {(each.status, each.error["code"]) for each in refused} == {(429, "budget_in_flight")}
    assert {each.headers["retry-after"] for each in refused} == {"2"}


async def test_a_request_that_has_ended_counts_with_its_cost() -> None:
    made = world(day_usd=0.001)
    made.script("a/one", answer(usage={"prompt_tokens": 1, "completion_tokens": 1, "cost": 0.0009}))

    assert (await ask(made)).status == 200
    assert (await ask(made, max_tokens=100)).error["code"] == "budget_too_small"


async def test_a_failed_attempt_that_was_not_billed_costs_nothing() -> None:
    made = world(day_usd=0.001).script("a/one", fail(503))

    for _ in range(5):
        assert (await ask(made, max_tokens=100)).error["code"] == "overloaded"


async def test_an_attempt_that_may_have_been_billed_counts_with_its_worst_cost() -> None:
    made = world(day_usd=0.001).script("a/one", after(100.0, answer()))
    options = {"attempt_ms": 1_000, "retries": 0}

    assert (await ask(made, max_tokens=300, gateway=options)).error["code"] == "attempt_timeout"
    assert (await ask(made, max_tokens=300, gateway=options)).error["code"] == "budget_too_small"


async def test_a_model_that_a_failed_attempt_left_too_little_budget_for_is_listed_as_skipped() -> None:
    made = world(day_usd=0.001).script("a/one", after(100.0, answer()))
    made.memory.catalog.catalog = catalog_of(CHEAP, listed("c/three"))

    options = {"attempt_ms": 1_000, "retries": 0}
    got = await ask(made, models=["a/one", "c/three"], max_tokens=300, gateway=options)

    assert made.upstream.models == ["a/one"]
    assert got.receipt["skipped"] == [{"model": "c/three", "reason": "over_budget"}]


async def test_a_strict_request_with_a_budget_calls_no_model_of_unknown_price() -> None:
    got = await ask(world(day_usd=1), models=["b/two", "a/one"], gateway={"strict": True})

    assert got.receipt["served"] == "a/one"
    assert got.receipt["skipped"] == [{"model": "b/two", "reason": "price_unknown"}]


async def test_a_model_of_unknown_price_is_called_and_its_cost_counts_afterwards() -> None:
    made = world(day_usd=0.001)
    made.script("b/two", answer(usage={"prompt_tokens": 1, "completion_tokens": 1, "cost": 0.5}))

    first = await ask(made, models=["b/two"])

    assert first.status == 200
    assert (await ask(made, models=["b/two"])).error["code"] == "budget_spent"


async def test_sums_are_read_once_for_many_requests() -> None:
    made = world(day_usd=1, BUDGET_MONTH_USD="5")
    for _ in range(3):
        await ask(made)
    assert made.database.batches == 1 + 3  # a reservation for each request

    await asyncio.sleep(FRESH_S)
    await ask(made)
    assert made.database.batches == 2 + 4


async def test_the_first_requests_of_a_new_isolate_wait_for_the_first_sums() -> None:
    made = world(day_usd=1)
    made.database.pause_s = 0.5
    spend(made, "one", TODAY, 1_000_000)

    got = await asyncio.gather(*(ask(made) for _ in range(5)))

    assert {each.status for each in got} == {402}
    assert made.database.batches == 1


@pytest.mark.parametrize("waiting", [0, 3], ids=["later", "meanwhile"])
async def test_a_client_that_leaves_during_the_first_reading_bypasses_no_budget(waiting: int) -> None:
    made = world(day_usd=1)
    made.database.pause_s = 0.5
    spend(made, "one", TODAY, 1_000_000)
    first = asyncio.ensure_future(ask(made))
    await asyncio.sleep(0.1)
    others = [asyncio.ensure_future(ask(made)) for _ in range(waiting)]
    await asyncio.sleep(0.1)

    first.cancel()
    got = await asyncio.gather(*others, ask(made))

    assert {each.error["code"] for each in got} == {"budget_spent"}
    assert made.database.batches == 2


async def test_a_request_that_waits_for_an_overdue_reading_reads_itself() -> None:
    made = world(day_usd=1)
    spend(made, "one", TODAY, 1_000_000)
    made.memory.spending.begin_reading("one", now_s=EPOCH_S, until_s=EPOCH_S + 1)

    assert (await ask(made)).error["code"] == "budget_spent"


async def test_without_a_budget_nothing_is_read() -> None:
    made = world()

    await ask(made, token=OTHER_TOKEN)

    assert made.database.batches == 0


@pytest.mark.parametrize("trouble", ["broken", "slow", "unbound"])
async def test_without_a_ledger_an_isolate_counts_its_own_requests(trouble: str) -> None:
    made = world(day_usd=0.001)
    made.database.broken = trouble == "broken"
    made.database.pause_s = 60.0 if trouble == "slow" else 0.0
    made.database.bound = trouble != "unbound"
    made.script("a/one", answer(usage={"prompt_tokens": 1, "completion_tokens": 1, "cost": 0.001}))

    assert (await ask(made)).status == 200
    assert (await ask(made)).error["code"] == "budget_spent"
    assert bool(made.events("budget_not_read")) is (trouble != "unbound")


async def test_a_plan_holds_no_budget_and_fails_when_the_budget_is_spent() -> None:
    made = world(day_usd=0.001, BUDGET_HOLD="worst")
    headers = {"authorization": f"Bearer {TOKEN}"}
    for _ in range(20):
        plan = await finish(await made.begin(chat("a/one", max_tokens=100), path="/v1/plan", headers=headers))
        assert plan.json["limits"]["max_cost_usd"] == 0.001

    spend(made, "one", TODAY, 1_000)
    await asyncio.sleep(FRESH_S)
    refused = await finish(await made.begin(chat("a/one"), path="/v1/plan", headers=headers))
    assert refused.error["code"] == "budget_spent"


async def test_a_client_that_leaves_frees_its_place_in_flight() -> None:
    made = world(day_usd=0.001).script("a/one", after(1_000.0, answer()))
    task = asyncio.ensure_future(ask(made, max_tokens=300, gateway={"deadline_ms": 3_600_000}))
    await asyncio.sleep(1)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)

    (line,) = made.events("request_done")
    assert line["outcome"] == "client_gone"
    assert made.memory.rates.in_flight("one", now_s=EPOCH_S) == 0
