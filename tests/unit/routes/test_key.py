import asyncio

import pytest

from simulator.samples import sample
from tests.support.sqlite_database import SqliteDatabase
from tests.support.upstream import after, answer, fail, reply
from tests.support.world import UPSTREAM_KEY, World, one_key

pytestmark = pytest.mark.anyio
KEY = "/v1/key"


def world(env: dict[str, str] | None = None, **fields: object) -> World:
    return World({"GATEWAY_KEYS": one_key(**fields), **(env or {})}, database=SqliteDatabase())


async def test_a_caller_sees_its_own_limits_and_remaining_budgets() -> None:
    limits = {"max_cost_usd": 0.5, "strict": True, "plugins": ["web"], "models": ["a/*"]}
    made = world(
        budget={"day_usd": 2},
        models=["a/*"],
        per_minute=5,
        concurrent=3,
        options={"retries": 0},
        limits=limits,
    )
    made.database.rows("INSERT INTO spend VALUES ('one', '2026-11-22', 500000, 3)")

    got = await made.get(KEY)

    assert got.json == {
        "object": "key",
        "name": "one",
        "admin": False,
        "pays_itself": False,
        "models": ["a/*"],
        "options": {"retries": 0},
        "limits": limits,
        "per_minute": 5,
        "concurrent": 3,
        "under_way": 0,
        "budgets": [
            {
                "scope": "key",
                "period": "day",
                "limit_usd": 2.0,
                "spent_usd": 0.5,
                "remaining_usd": 1.5,
                "resets_at": "2026-11-23T00:00:00Z",
            }
        ],
        "counted_by": "ledger",
    }
    assert made.upstream.got == []


@pytest.mark.parametrize(("concurrent", "in_flight"), [(2, 1), (None, None)], ids=["limited", "unlimited"])
async def test_requests_in_flight_are_shown_if_they_are_limited(
    concurrent: int | None, in_flight: int | None
) -> None:
    made = world(concurrent=concurrent).script("a/one", after(5.0, answer()))
    asking = asyncio.ensure_future(made.ask("a/one"))
    await asyncio.sleep(1)

    assert (await made.get(KEY)).json["under_way"] == in_flight
    assert (await asking).status == 200


async def test_the_budget_of_all_keys_is_only_for_admins() -> None:
    env = {"BUDGET_MONTH_USD": "5"}

    assert (await world(env).get(KEY)).json["budgets"] == []
    budgets = (await world(env, admin=True).get(KEY)).json["budgets"]
    assert [(each["scope"], each["period"]) for each in budgets] == [("all_keys", "month")]


async def test_an_admin_sees_openrouters_key_without_names_and_ids() -> None:
    made = world(admin=True)
    made.upstream.pages["/key"] = (reply(200, sample("cat-04-key-with-budgets").text.encode()),)

    got = await made.get(KEY)

    assert got.json["openrouter"]["usage"] >= 0
    assert "limit_remaining" in got.json["openrouter"]
    assert not {"creator_user_id", "label", "organization_id", "workspace_id"} & set(got.json["openrouter"])
    assert UPSTREAM_KEY not in got.body.decode()


async def test_openrouters_key_is_null_if_the_lookup_fails() -> None:
    made = world(admin=True)
    made.upstream.pages["/key"] = (fail(500),)

    assert (await made.get(KEY)).json["openrouter"] is None


async def test_an_exceeded_budget_is_shown_with_nothing_remaining() -> None:
    made = world(budget={"day_usd": 1})
    made.database.rows("INSERT INTO spend VALUES ('one', '2026-11-22', 1500000, 3)")

    (row,) = (await made.get(KEY)).json["budgets"]

    assert (row["spent_usd"], row["remaining_usd"]) == (1.5, 0.0)


async def test_without_a_ledger_the_isolate_counts() -> None:
    made = world(budget={"day_usd": 1})
    made.database.bound = False

    assert (await made.get(KEY)).json["counted_by"] == "isolate"


async def test_a_request_without_a_key_is_refused() -> None:
    assert (await world().get(KEY, headers={})).status == 401
