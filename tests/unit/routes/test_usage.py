import csv
import io
import json
from math import ceil

import pytest
from hypothesis import given
from hypothesis.strategies import integers, lists

from gateway.ledger.usage_query import GROUPS, span_of, statements_for
from tests.support.sqlite_database import SqliteDatabase
from tests.support.world import EPOCH_S, TOKEN, Answer, World, run

pytestmark = pytest.mark.anyio
ADMIN = "canary-of-an-admins-token"
DAY_MS = 86_400_000


def world() -> World:
    entries = [{"name": "one", "token": TOKEN}, {"name": "boss", "token": ADMIN, "admin": True}]
    return World({"GATEWAY_KEYS": json.dumps(entries)}, database=SqliteDatabase())


def add_row(made: World, number: int, **values: object) -> None:
    row = {
        "ticket": f"t{number}",
        "at_ms": round(EPOCH_S * 1000),
        "request_id": f"r{number}",
        "key": "one",
        "requested": "a/one",
        "served": "a/one",
        "attempts": 1,
        "outcome": "answered",
        "stream": 0,
        "prompt_tokens": 10,
        "completion_tokens": 5,
        "reasoning_tokens": 0,
        "cached_tokens": 0,
        "cost_micros": 100,
        "estimated_micros": 0,
        "cost_state": "known",
        "billed_failures": 0,
        "total_ms": 10 * number,
        **values,
    }
    names = ", ".join(row)
    made.database.rows(f"INSERT INTO requests ({names}) VALUES ({', '.join('?' * len(row))})", *row.values())  # noqa: S608  # names from this test


async def usage(made: World, query: str = "", *, token: str = TOKEN) -> Answer:
    return await made.get(f"/v1/usage{query}", headers={"authorization": f"Bearer {token}"})


async def test_the_totals_of_the_callers_own_key() -> None:
    made = world()
    for number in range(1, 21):
        add_row(made, number)
    add_row(made, 21, outcome="overloaded", served=None, cost_micros=0, total_ms=99_999)
    add_row(made, 22, attempts=2, cost_state="pending", total_ms=5)
    add_row(made, 23, key="two", cost_micros=1_000_000)

    got = await usage(made)

    assert got.json["key"] == "one"
    assert got.json["totals"] == {
        "requests": 22,
        "answered": 21,
        "fallbacks": 1,
        "fallback_rate": 0.0476,
        "cost_usd": 0.0021,
        "estimated_usd": 0.0,
        "unsettled": 1,
        "billed_failures": 0,
        "prompt_tokens": 220,
        "completion_tokens": 110,
        "reasoning_tokens": 0,
        "cached_tokens": 0,
        "mean_ms": 100,
        "p50_ms": 100,
        "p95_ms": 190,
    }


async def test_an_admin_sees_all_keys_or_one() -> None:
    made = world()
    add_row(made, 1)
    add_row(made, 2, key="two")

    everybody = await usage(made, "?by=key", token=ADMIN)
    one = await usage(made, "?key=two", token=ADMIN)

    assert {row["name"]: row["requests"] for row in everybody.json["series"]} == {"one": 1, "two": 1}
    assert (one.json["key"], one.json["totals"]["requests"]) == ("two", 1)


async def test_a_caller_that_is_no_admin_sees_only_its_own_key() -> None:
    got = await usage(world(), "?key=two")

    assert (got.status, got.error["code"], got.error["param"]) == (403, "not_allowed", "key")
    assert (await usage(world(), "?key=one")).status == 200


@pytest.mark.parametrize(
    ("by", "names"),
    [
        ("day", ["2026-11-21", "2026-11-22"]),
        ("model", ["b/expensive", "a/one"]),
        ("outcome", ["answered", "overloaded"]),
        ("route", ["task/mine", ""]),
        ("provider", ["", "Example"]),
        ("key", ["one"]),
    ],
)
async def test_days_are_in_order_and_other_series_have_the_most_expensive_first(
    by: str, names: list[str]
) -> None:
    made = world()
    add_row(
        made,
        1,
        at_ms=round(EPOCH_S * 1000) - DAY_MS,
        served="b/expensive",
        cost_micros=900,
        route="task/mine",
    )
    add_row(made, 2, outcome="overloaded", served=None, cost_micros=0)
    add_row(made, 3, provider="Example")

    got = await usage(made, f"?by={by}")

    assert [row["name"] for row in got.json["series"]] == names


async def test_days_are_in_utc_and_both_ends_are_included() -> None:
    made = world()
    midnight_ms = round(EPOCH_S * 1000) // DAY_MS * DAY_MS
    for number, at_ms in enumerate(
        (midnight_ms - 1, midnight_ms, midnight_ms + DAY_MS - 1, midnight_ms + DAY_MS)
    ):
        add_row(made, number, at_ms=at_ms)

    got = await usage(made, "?from=2026-11-22&to=2026-11-22")

    assert got.json["totals"]["requests"] == 2
    assert (got.json["from"], got.json["to"]) == ("2026-11-22", "2026-11-22")


@pytest.mark.parametrize(
    ("query", "param"),
    [
        ("from=yesterday", "from"),
        ("to=2026-13-01", "to"),
        ("from=2026-11-23&to=2026-11-22", "from"),
        ("from=2020-01-01", "from"),
        ("to=0001-01-01", "to"),
        ("to=9999-12-31", "to"),
        ("from=0001-01-01&to=0001-01-01", "to"),
        ("from=1999-12-31&to=2000-01-01", "from"),
        ("by=hour", "by"),
        ("format=xml", "format"),
        ("canary=1", "query"),
    ],
)
async def test_a_wrong_parameter_is_named(query: str, param: str) -> None:
    got = await usage(world(), f"?{query}")

    assert (got.status, got.error["param"]) == (400, param)
    assert "canary" not in got.error["message"]


async def test_csv_has_the_series_and_no_formulas() -> None:
    made = world()
    add_row(made, 1, served='=cmd("x"),y')

    got = await usage(made, "?by=model&format=csv")

    assert got.headers["content-type"] == "text/csv; charset=utf-8"
    (row,) = csv.DictReader(io.StringIO(got.body.decode()))
    assert row["model"] == '\'=cmd("x"),y'
    assert (row["requests"], row["cost_usd"]) == ("1", "0.0001")


@pytest.mark.parametrize("begin", ["=", "+", "-", "@", "\uff1d", "\uff0b", "\uff0d", "\uff20"])
@pytest.mark.parametrize(
    "before", ["", "\t", "\r", "\n", "\r\n", " ", "\t ", "\0", "\xa0", "\u2028"], ids=ascii
)
async def test_no_cell_begins_a_formula(before: str, begin: str) -> None:
    made = world()
    add_row(made, 1, provider=f"{before}{begin}1+1")

    got = await usage(made, "?by=provider&format=csv")

    (row,) = csv.reader(io.StringIO(got.body.decode().partition("\r\n")[2], newline=""))
    assert row[0] == f"'{before}{begin}1+1"


@pytest.mark.parametrize("before", ["\t", "\r", "\n", "\0", "\x1f"], ids=ascii)
async def test_no_cell_begins_with_a_control_character(before: str) -> None:
    made = world()
    add_row(made, 1, provider=f"{before}x")

    assert f'"\'{before}x"' in (await usage(made, "?by=provider&format=csv")).body.decode()


@pytest.mark.parametrize("name", ["Anthropic", "a=b", "a/one-2", " Venice", "~openai/x", "1-2"])
async def test_other_cells_are_as_they_are(name: str) -> None:
    made = world()
    add_row(made, 1, provider=name)

    assert f'"{name}"' in (await usage(made, "?by=provider&format=csv")).body.decode()


async def test_no_usage_is_no_error() -> None:
    got = await usage(world())

    assert (got.json["totals"]["requests"], got.json["totals"]["p95_ms"], got.json["series"]) == (0, None, [])
    assert (await usage(world(), "?format=csv")).body == b"day\r\n"


async def test_without_a_ledger_there_are_no_totals() -> None:
    made = world()
    made.database.bound = False
    made.memory.lost_writes.count = 3

    got = await usage(made)

    assert (got.status, got.json["totals"], got.json["lost_writes"]) == (200, None, 3)
    assert got.json["ledger"].startswith("not bound")


async def test_a_ledger_that_does_not_answer_is_a_503() -> None:
    made = world()
    made.database.broken = True

    got = await usage(made)

    assert (got.status, got.error["code"], got.error["metadata"]["source"]) == (
        503,
        "ledger_unavailable",
        "gateway",
    )


async def test_a_request_without_a_key_is_refused() -> None:
    assert (await world().get("/v1/usage", headers={})).status == 401


@pytest.mark.parametrize("admin", [False, True])
@pytest.mark.parametrize("by", [*GROUPS])
async def test_every_statement_uses_an_index(by: str, admin: bool) -> None:
    span = span_of({"by": by}, key="one", admin=admin, now_s=EPOCH_S)
    database = SqliteDatabase()

    for sql, parameters in statements_for(span):
        plan = database.rows(f"EXPLAIN QUERY PLAN {sql}", *parameters)
        scans = [str(row["detail"]) for row in plan if "requests" in str(row["detail"])]
        assert scans
        assert all(
            "USING INDEX requests_by_" in detail or "USING COVERING INDEX" in detail for detail in scans
        )


async def test_each_group_has_its_own_latency_fallbacks_and_estimates() -> None:
    made = world()
    for number in range(1, 101):
        add_row(made, number, served="a/one", total_ms=number)
    add_row(made, 101, served="b/two", total_ms=7, attempts=3, estimated_micros=40)
    add_row(made, 102, served="b/two", total_ms=1, outcome="overloaded")
    add_row(made, 103, served="c/three", total_ms=1, outcome="overloaded")

    rows = {row["name"]: row for row in (await usage(made, "?by=model")).json["series"]}

    assert [rows["a/one"][name] for name in ("p50_ms", "p95_ms", "fallback_rate")] == [50, 95, 0.0]
    assert [rows["b/two"][name] for name in ("p50_ms", "p95_ms", "fallback_rate")] == [7, 7, 1.0]
    assert [rows["c/three"][name] for name in ("p50_ms", "p95_ms", "fallback_rate")] == [None, None, None]
    assert (rows["b/two"]["cost_usd"], rows["b/two"]["estimated_usd"]) == (0.0002, 0.000_04)


@given(times=lists(integers(0, 50), min_size=1, max_size=60), failed=integers(0, 5))
def test_a_percentile_is_the_nearest_rank(times: list[int], failed: int) -> None:
    made = world()
    for number, total_ms in enumerate(times):
        add_row(made, number, total_ms=total_ms)
    for number in range(failed):
        add_row(made, 1_000 + number, total_ms=0, outcome="overloaded")

    totals = run(usage(made)).json["totals"]

    for percent in (50, 95):
        rank = ceil(len(times) * percent / 100)
        assert totals[f"p{percent}_ms"] == sorted(times)[rank - 1]


@pytest.mark.parametrize("form", ["json", "csv"])
async def test_a_long_series_is_truncated_and_marked(form: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gateway.ledger.usage_query.MAX_GROUPS", 2)
    monkeypatch.setattr("gateway.routes.usage.MAX_GROUPS", 2)
    made = world()
    for number in range(2):
        add_row(made, number, served=f"a/{number}")
    before = await usage(made, "?by=model")
    add_row(made, 3, served="a/3", cost_micros=900)

    got = await usage(made, f"?by=model&format={form}")

    assert before.json["truncated"] is False
    if form == "csv":
        assert got.body.count(b"\r\n") == 3
    else:
        assert got.json["truncated"] is True
        assert got.json["series"][0]["name"] == "a/3"
        assert (len(got.json["series"]), got.json["totals"]["requests"]) == (2, 3)


async def test_a_ledger_that_hangs_is_unavailable() -> None:
    made = world()
    made.database.pause_s = 3_600.0

    assert (await usage(made)).error["code"] == "ledger_unavailable"
