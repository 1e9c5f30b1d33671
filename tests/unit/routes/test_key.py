import asyncio
import json

import pytest

from simulator.samples import sample
from tests.support.sqlite_database import SqliteDatabase
from tests.support.upstream import after, answer, fail, reply
from tests.support.world import TOKEN, UPSTREAM_KEY, World

pytestmark = pytest.mark.anyio
KEY = "/v1/key"
OWN = "sk-or-v1-canary-of-a-callers-own-key"


def world(env: dict[str, str] | None = None, **fields: object) -> World:
    entries = [{"name": "one", "token": TOKEN, **fields}]
    return World({"GATEWAY_KEYS": json.dumps(entries), **(env or {})}, database=SqliteDatabase())


async def test_a_caller_sees_its_own_limits_and_what_remains() -> None:
    made = world(budget={"day_usd": 2}, models=["a/*"], per_minute=5, concurrent=3, options={"retries": 0})
    made.database.rows("INSERT INTO spend VALUES ('one', '2026-11-22', 500000, 3)")

    got = await made.get(KEY)

    assert got.json == {
        "object": "key",
        "name": "one",
        "admin": False,
        "pays_itself": False,
        "models": ["a/*"],
        "options": {"retries": 0},
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


@pytest.mark.parametrize(("concurrent", "under_way"), [(2, 1), (None, None)], ids=["bound", "unbound"])
async def test_requests_under_way_are_shown_where_they_are_bound(
    concurrent: int | None, under_way: int | None
) -> None:
    made = world(concurrent=concurrent).script("a/one", after(5.0, answer()))
    asking = asyncio.ensure_future(made.ask("a/one"))
    await asyncio.sleep(1)

    assert (await made.get(KEY)).json["under_way"] == under_way
    assert (await asking).status == 200


async def test_what_all_keys_spend_is_for_admins() -> None:
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


async def test_openrouters_silence_is_null() -> None:
    made = world(admin=True)
    made.upstream.pages["/key"] = (fail(500),)

    assert (await made.get(KEY)).json["openrouter"] is None


async def test_a_spent_budget_does_not_hide_itself() -> None:
    made = world(budget={"day_usd": 1})
    made.database.rows("INSERT INTO spend VALUES ('one', '2026-11-22', 1500000, 3)")

    (row,) = (await made.get(KEY)).json["budgets"]

    assert (row["spent_usd"], row["remaining_usd"]) == (1.5, 0.0)


async def test_without_a_ledger_it_is_said_who_counts() -> None:
    made = world(budget={"day_usd": 1})
    made.database.bound = False

    assert (await made.get(KEY)).json["counted_by"] == "isolate"


async def test_who_pays_itself_is_told_so() -> None:
    made = world({"ALLOW_CLIENT_KEYS": "true"})

    got = await made.get(KEY, headers={"authorization": f"Bearer {OWN}"})

    assert (got.json["pays_itself"], got.json["budgets"]) == (True, [])
    assert OWN not in got.body.decode()


async def test_a_key_is_shown_to_nobody_else() -> None:
    assert (await world().get(KEY, headers={})).status == 401
