"""``GET /api/v1/key``: the caller's key in the form that OpenRouter's SDKs validate."""

import asyncio
import json
from typing import Any

import pytest

from simulator.samples import sample
from tests.support.sqlite_database import SqliteDatabase
from tests.support.upstream import after, answer
from tests.support.world import UPSTREAM_KEY, World, one_key

pytestmark = pytest.mark.anyio
KEY = "/api/v1/key"
TODAY, EARLIER_THIS_WEEK, THIS_MONTH, LAST_YEAR = "2026-11-22", "2026-11-16", "2026-11-15", "2025-01-01"
# What the SDKs take for the word of a scope or an interval: any text. These are OpenRouter's own.
WORDS = {"scope": {"key_limit", "workspace"}, "reset_interval": {"daily", "monthly"}}


def world(env: dict[str, str] | None = None, **fields: object) -> World:
    return World({"GATEWAY_KEYS": one_key(**fields), **(env or {})}, database=SqliteDatabase())


def spend(made: World, day: str, micros: int, *, key: str = "one") -> None:
    made.database.rows("INSERT INTO spend VALUES (?, ?, ?, 1)", key, day, micros)


async def data_of(made: World) -> dict[str, Any]:
    got = await made.get(KEY)
    assert (got.status, set(got.json), got.headers["cache-control"]) == (200, {"data"}, "no-store")
    data: dict[str, Any] = got.json["data"]
    return data


def kinds(value: object) -> object:
    """Return the form of a value: the types of its parts. Every number is one type; null fits where it is."""
    if isinstance(value, dict):
        return {name: kinds(each) for name, each in value.items()}
    if isinstance(value, list):
        return [kinds(each) for each in value[:1]]
    return (
        "number" if isinstance(value, (int, float)) and not isinstance(value, bool) else type(value).__name__
    )


def without_nulls(form: object, like: object) -> object:
    """Return a form with what is null in ``like`` replaced by null: those fields may be null."""
    if isinstance(form, dict) and isinstance(like, dict):
        return {name: without_nulls(each, like.get(name)) for name, each in form.items()}
    if isinstance(form, list) and isinstance(like, list):
        return [without_nulls(*pair) for pair in zip(form, like, strict=False)]
    return "NoneType" if like == "NoneType" else form


async def test_it_has_every_field_of_openrouters_answer_with_its_type() -> None:
    # `expires_at` may be missing. `workspace_id` and others may be null.
    theirs = kinds(json.loads(sample("cat-04-key-with-budgets").text)["data"])
    assert isinstance(theirs, dict)
    del theirs["expires_at"]

    ours = kinds(await data_of(world(budget={"day_usd": 2}, per_minute=5)))

    assert without_nulls(theirs, ours) == ours


async def test_the_limit_is_that_of_the_keys_budget() -> None:
    made = world({"BUDGET_MONTH_USD": "0.1"}, budget={"day_usd": 2, "month_usd": 3})
    spend(made, TODAY, 500_000)
    spend(made, THIS_MONTH, 1_200_000)

    data = await data_of(made)

    assert (data["limit"], data["limit_remaining"], data["limit_reset"]) == (3.0, 1.3, "monthly")
    assert [(each["limit_usd"], each["spend_usd"]) for each in data["budgets"]] == [(2.0, 0.5), (3.0, 1.7)]
    assert data["effective_budget"] == data["budgets"][1]
    assert all(each[name] in words for each in data["budgets"] for name, words in WORDS.items())


async def test_a_key_without_a_budget_has_no_limit() -> None:
    data = await data_of(world())

    assert [data[name] for name in ("limit", "limit_remaining", "limit_reset", "effective_budget")] == [
        None
    ] * 4
    assert data["budgets"] == []
    assert data["rate_limit"]["requests"] == -1


async def test_the_usage_is_the_ledgers() -> None:
    made = world()
    for day, micros in ((TODAY, 1), (EARLIER_THIS_WEEK, 20), (THIS_MONTH, 300), (LAST_YEAR, 4_000)):
        spend(made, day, micros)
    spend(made, TODAY, 10**6, key="another")

    data = await data_of(made)

    names = ("usage", "usage_monthly", "usage_weekly", "usage_daily")
    assert [round(data[name] * 10**6) for name in names] == [4_321, 321, 21, 1]


@pytest.mark.parametrize("bound", [True, False], ids=["a ledger that fails", "no ledger"])
async def test_without_the_ledger_the_usage_is_what_the_isolate_knows(bound: bool) -> None:
    made = world(budget={"day_usd": 2}).script("a/one", answer())
    await made.ask("a/one")
    made.database.bound = bound
    made.database.broken = True

    data = await data_of(made)

    assert data["usage"] == data["usage_daily"] > 0


async def test_what_is_held_for_requests_in_flight_does_not_remain() -> None:
    made = world(budget={"day_usd": 2}).script("a/one", after(5.0, answer()))
    asking = asyncio.ensure_future(made.ask("a/one"))
    await asyncio.sleep(1)

    assert (await data_of(made))["limit_remaining"] < 2.0
    assert (await asking).status == 200


async def test_only_an_admin_sees_the_budget_of_all_keys() -> None:
    env = {"BUDGET_DAY_USD": "5"}

    assert (await data_of(world(env)))["budgets"] == []
    data = await data_of(world(env, admin=True))
    assert [each["scope"] for each in data["budgets"]] == ["workspace"]
    assert (data["limit"], data["effective_budget"]["limit_usd"]) == (None, 5.0)


async def test_it_names_the_key_and_calls_no_upstream() -> None:
    made = world(per_minute=7, admin=True)

    got = await made.get(KEY)

    assert (got.json["data"]["label"], got.json["data"]["rate_limit"]["requests"]) == ("one", 7)
    assert UPSTREAM_KEY not in got.body.decode()
    assert made.upstream.got == []


async def test_the_gateways_own_form_stays_at_its_own_path() -> None:
    assert (await world().get("/v1/key")).json["object"] == "key"


async def test_a_request_without_a_key_is_refused() -> None:
    assert (await world().get(KEY, headers={})).status == 401
