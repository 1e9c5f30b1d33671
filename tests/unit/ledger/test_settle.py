"""Tests that unknown costs are requested later, until they are settled or given up."""

import asyncio
import json
from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import pytest

from gateway.app import run_cron
from gateway.dialects.tokens import MAX_TOKENS
from gateway.http.json_values import JsonObject
from gateway.ledger.forget import deletion_statements, forget_old_rows
from gateway.ledger.reservations import MAX_AGE_S, close_reservations
from gateway.ledger.settle import (
    ASKED_AT_ONCE,
    BACK_OFF_S,
    CLAIM,
    SETTLED_PER_RUN,
    settle_costs,
    settlement_statements,
)
from gateway.memory.ports import DatabaseError, Statement
from gateway.settings.settings import Settings
from tests.support.sqlite_database import SqliteDatabase
from tests.support.upstream import Act, after, fail, refuse, reply
from tests.support.world import ENV, EPOCH_S, World

pytestmark = pytest.mark.anyio
UPSTREAM = Settings.from_env(ENV.get).upstream
LOOKUP = "/generation?id=gen-1"


def generation(cost_usd: float) -> Act:
    data = {
        "id": "gen-1",
        "total_cost": cost_usd,
        "native_tokens_prompt": 7,
        "native_tokens_completion": 9,
        "native_tokens_reasoning": 2,
    }
    return reply(200, json.dumps({"data": data}).encode())


def world(*acts: Act, parts: int = 1, state: str = "pending") -> World:
    made = World(database=SqliteDatabase())
    made.upstream.pages[LOOKUP] = acts
    made.database.rows(
        "INSERT INTO requests (ticket, at_ms, request_id, key, requested, attempts, outcome, stream, "
        "prompt_tokens, completion_tokens, reasoning_tokens, cached_tokens, cost_micros, estimated_micros, "
        "cost_state, billed_failures, total_ms) "
        "VALUES ('t', ?, 'r', 'one', 'a/one', 1, 'answered', 1, 0, 0, 0, 0, 100, 0, ?, 0, 0)",
        round(EPOCH_S * 1000),
        state,
    )
    made.database.rows("INSERT INTO spend VALUES ('one', '2026-11-22', 100, 1)")
    for number in range(1, parts + 1):
        made.database.rows(
            "INSERT INTO unsettled (generation_id, ticket, key, day, worst_micros, tries, next_at_ms) "
            "VALUES (?, 't', 'one', '2026-11-22', 5000, 0, ?)",
            f"gen-{number}",
            round(EPOCH_S * 1000),
        )
    return made


def request_in(made: World) -> dict[str, Any]:
    (row,) = made.database.rows("SELECT * FROM requests")
    return row


def spent(made: World) -> Any:  # noqa: ANN401  # a column
    return made.database.rows("SELECT cost_micros FROM spend")[0]["cost_micros"]


async def test_a_cost_that_is_known_now_is_recorded() -> None:
    made = world(generation(0.000_42))

    assert await settle_costs(UPSTREAM, made.ports) == 1

    row = request_in(made)
    assert (row["cost_micros"], row["cost_state"]) == (520, "known")
    assert (row["prompt_tokens"], row["completion_tokens"], row["reasoning_tokens"]) == (7, 9, 2)
    assert spent(made) == 520
    assert made.database.rows("SELECT * FROM unsettled") == []


async def test_a_cost_of_zero_is_a_known_cost() -> None:
    made = world(generation(0))

    await settle_costs(UPSTREAM, made.ports)

    assert (request_in(made)["cost_state"], spent(made)) == ("known", 100)


@pytest.mark.parametrize(
    "act", [fail(404), fail(500), refuse, reply(200, b"{"), reply(200, b"{}")], ids=range(5)
)
async def test_a_cost_that_is_not_available_yet_is_requested_again_later(act: Act) -> None:
    made = world(act, generation(0.000_42))

    assert await settle_costs(UPSTREAM, made.ports) == 0
    assert await settle_costs(UPSTREAM, made.ports) == 0  # its next try is not due
    assert len(made.upstream.got) <= 1

    await asyncio.sleep(BACK_OFF_S[1])
    if act is not refuse:
        assert await settle_costs(UPSTREAM, made.ports) == 1


async def test_the_pauses_grow_and_then_the_worst_case_is_recorded() -> None:
    made = world(fail(404))
    lookups_at_s = []
    for _ in range(3_000):
        before = len(made.upstream.got)
        await settle_costs(UPSTREAM, made.ports)
        if len(made.upstream.got) > before:
            lookups_at_s.append(asyncio.get_running_loop().time())
        await asyncio.sleep(60)

    pauses_s = [later - earlier for earlier, later in pairwise(lookups_at_s)]
    assert pauses_s == sorted(pauses_s)
    assert len(lookups_at_s) == len(BACK_OFF_S)
    row = request_in(made)
    assert (row["cost_micros"], row["cost_state"], spent(made)) == (5_100, "estimated", 5_100)
    assert made.database.rows("SELECT * FROM unsettled") == []


async def test_a_request_is_pending_until_its_last_part_is_settled() -> None:
    made = world(generation(0.000_1), parts=2)
    made.upstream.pages["/generation?id=gen-2"] = (fail(404), generation(0.000_2))

    await settle_costs(UPSTREAM, made.ports)
    assert request_in(made)["cost_state"] == "pending"

    await asyncio.sleep(BACK_OFF_S[1])
    await settle_costs(UPSTREAM, made.ports)
    assert (request_in(made)["cost_state"], spent(made)) == ("known", 400)


async def test_a_cost_that_was_estimated_in_part_stays_an_estimate() -> None:
    made = world(generation(0.000_1), state="estimated")

    await settle_costs(UPSTREAM, made.ports)

    assert (request_in(made)["cost_state"], spent(made)) == ("estimated", 200)


async def test_concurrent_runs_record_a_cost_once() -> None:
    made = world(generation(0.000_42))
    made.database.pause_s = 0.1

    settled = await asyncio.gather(*(settle_costs(UPSTREAM, made.ports) for _ in range(3)))

    assert sum(settled) == 1
    assert spent(made) == 520


async def test_a_run_makes_a_limited_number_of_lookups_and_leaves_the_rest_for_the_next() -> None:
    made = world(fail(404), parts=SETTLED_PER_RUN + 5)

    await settle_costs(UPSTREAM, made.ports)
    assert len(made.upstream.got) == SETTLED_PER_RUN

    await settle_costs(UPSTREAM, made.ports)
    assert len(made.upstream.got) == SETTLED_PER_RUN + 5


@pytest.mark.parametrize("bound", [True, False])
async def test_a_failing_or_missing_ledger_raises_nothing(bound: bool) -> None:
    made = world(generation(1)) if bound else World()
    made.database.broken = True

    assert await settle_costs(UPSTREAM, made.ports) == 0

    assert made.upstream.got == []
    assert bool(made.events("ledger_not_settled")) is bound


async def test_the_cron_trigger_settles_costs_and_deletes_old_rows() -> None:
    made = world(generation(0.000_42))
    made.database.rows("INSERT INTO spend VALUES ('one', '2020-01-01', 1, 1)")
    made.database.rows("INSERT INTO alerts VALUES ('one', '2020-01-01', 50, 0, NULL)")
    settings = Settings.from_env({**ENV, "LEDGER_DAYS": "10"}.get)

    await run_cron(settings, made.ports, made.memory)
    assert request_in(made)["cost_state"] == "known"
    assert [row["day"] for row in made.database.rows("SELECT day FROM spend")] == ["2026-11-22"]
    assert made.database.rows("SELECT * FROM alerts") == []

    await asyncio.sleep(11 * 86_400)
    await run_cron(settings, made.ports, made.memory)
    assert made.database.rows("SELECT * FROM requests") == []
    assert len(made.database.rows("SELECT * FROM spend")) == 1


async def test_the_cron_trigger_asks_for_as_many_costs_as_the_settings_say() -> None:
    made = world(fail(404), parts=SETTLED_PER_RUN + 5)

    settings = Settings.from_env({**ENV, "SETTLE_PER_RUN": str(SETTLED_PER_RUN + 3)}.get)
    await run_cron(settings, made.ports, made.memory)

    assert len([path for path in made.upstream.got if "generation" in path]) == SETTLED_PER_RUN + 3


@pytest.mark.parametrize(
    "cost",
    ["-1", '"0.1"', "true", "null", "[]", "1e308", "1e999", "NaN", "1" + "0" * 400],
    ids=lambda cost: cost[:8],
)
async def test_a_cost_that_cannot_be_one_is_not_recorded(cost: str) -> None:
    made = world(reply(200, b'{"data":{"total_cost":%b}}' % cost.encode()))

    assert await settle_costs(UPSTREAM, made.ports) == 0
    assert (spent(made), len(made.database.rows("SELECT * FROM unsettled"))) == (100, 1)

    made.database.rows("UPDATE unsettled SET tries = ?, next_at_ms = 0", len(BACK_OFF_S) - 1)
    assert await settle_costs(UPSTREAM, made.ports) == 1
    assert (spent(made), request_in(made)["cost_state"]) == (5_100, "estimated")


@pytest.mark.parametrize(
    "tokens", ["-5", "1e30", '"7"', "true", "null", "{}", "1" + "0" * 400], ids=lambda text: text[:6]
)
async def test_no_count_of_tokens_makes_a_row_unusable(tokens: str) -> None:
    kinds = b",".join(
        b'"native_tokens_%b":%b' % (kind, tokens.encode()) for kind in (b"prompt", b"completion")
    )
    made = world(reply(200, b'{"data":{"total_cost":0.00042,%b}}' % kinds))

    assert await settle_costs(UPSTREAM, made.ports) == 1

    row = request_in(made)
    assert (row["cost_micros"], row["cost_state"]) == (520, "known")
    assert 0 <= row["prompt_tokens"] == row["completion_tokens"] <= MAX_TOKENS


async def test_a_cost_that_is_given_up_is_an_estimate() -> None:
    made = world(fail(404))
    made.database.rows("UPDATE unsettled SET tries = ?", len(BACK_OFF_S) - 1)

    assert await settle_costs(UPSTREAM, made.ports) == 1

    row = request_in(made)
    assert (row["cost_micros"], row["estimated_micros"], row["cost_state"]) == (5_100, 5_000, "estimated")


async def test_all_parts_of_a_request_may_be_settled_in_one_run() -> None:
    made = world(generation(0.000_1), parts=3)
    made.upstream.pages |= {f"/generation?id=gen-{number}": (generation(0.000_1),) for number in (2, 3)}

    assert await settle_costs(UPSTREAM, made.ports) == 3

    row = request_in(made)
    assert (row["cost_micros"], row["prompt_tokens"], row["cost_state"], spent(made)) == (
        400,
        21,
        "known",
        400,
    )
    assert made.database.batches == 2


async def test_recording_the_same_cost_twice_counts_once() -> None:
    made = world()
    settled: JsonObject = {"id": "gen-1", "ticket": "t", "micros": 7, "guessed": 0, "given_up": 0}
    settled |= dict.fromkeys(("prompt", "completion", "reasoning", "cached"), 1)

    for _ in range(2):
        await made.database.batch(settlement_statements([settled]))

    assert (request_in(made)["cost_micros"], request_in(made)["cached_tokens"], spent(made)) == (107, 1, 107)


async def test_a_cost_that_could_not_be_recorded_is_requested_again() -> None:
    made = world(generation(0.000_42))
    real, calls = made.database.batch, 0

    async def batch(statements: Sequence[Statement]) -> list[list[JsonObject]]:
        nonlocal calls
        calls += 1
        if calls == 2:
            raise DatabaseError("lost")
        return await real(statements)

    made.database.batch = batch  # type: ignore[method-assign]  # its second call fails
    assert await settle_costs(UPSTREAM, made.ports) == 0
    assert len(made.database.rows("SELECT * FROM unsettled")) == 1

    await asyncio.sleep(BACK_OFF_S[1])
    assert await settle_costs(UPSTREAM, made.ports) == 1
    assert spent(made) == 520


async def test_several_lookups_run_concurrently() -> None:
    made = world(parts=ASKED_AT_ONCE * 2)
    made.upstream.pages |= {
        f"/generation?id=gen-{number}": (after(1.0, generation(0)),) for number in range(1, SETTLED_PER_RUN)
    }

    await settle_costs(UPSTREAM, made.ports)

    assert asyncio.get_running_loop().time() == pytest.approx(2.0, abs=0.01)


async def test_no_statement_scans_a_table() -> None:
    database = SqliteDatabase()
    statements = [
        (CLAIM, (0, 0, 1)),
        *settlement_statements([{"id": "gen-1"}]),
        *deletion_statements(days=90, rows=100, now_s=EPOCH_S),
    ]

    for sql, parameters in statements:
        plan = [str(row["detail"]) for row in database.rows(f"EXPLAIN QUERY PLAN {sql}", *parameters)]
        assert not [
            step for step in plan if step.startswith(("SCAN requests", "SCAN spend", "SCAN unsettled"))
        ]


def copy_row(made: World, *tickets: str, at_ms: int | None = None) -> None:
    """Add rows like that of ``t``, at another time if one is given."""
    for ticket in tickets:
        made.database.rows(
            "INSERT INTO requests (ticket, at_ms, request_id, key, requested, attempts, outcome, stream, "
            "prompt_tokens, completion_tokens, reasoning_tokens, cached_tokens, cost_micros, "
            "estimated_micros, cost_state, billed_failures, total_ms) "
            "SELECT ?, coalesce(?, at_ms), request_id, key, requested, attempts, outcome, stream, "
            "0, 0, 0, 0, 0, 0, 'known', 0, 0 FROM requests WHERE ticket = 't'",
            ticket,
            at_ms,
        )


async def test_a_run_deletes_a_limited_number_of_requests(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gateway.ledger.forget.MAX_DELETED_AT_ONCE", 1)
    monkeypatch.setattr("gateway.ledger.forget.BATCHES_PER_RUN", 2)
    made = world()
    copy_row(made, *(f"old-{number}" for number in range(4)), at_ms=0)

    left = []
    for _ in range(3):
        await forget_old_rows(made.ports, days=90, rows=1_000)
        left.append(made.database.rows("SELECT count(*) AS n FROM requests")[0]["n"])

    assert left == [3, 1, 1]


async def test_rows_beyond_the_limit_are_deleted_the_oldest_first() -> None:
    made = world()
    copy_row(made, *(f"new-{number}" for number in range(4)))

    await forget_old_rows(made.ports, days=90, rows=2)

    assert [row["ticket"] for row in made.database.rows("SELECT ticket FROM requests ORDER BY id")] == [
        "new-2",
        "new-3",
    ]


def reserve(made: World, ticket: str, *, micros: int = 700) -> None:
    made.database.rows(
        "INSERT INTO reservations (ticket, key, day, micros, isolate, request_id, at_ms) "
        "VALUES (?, 'one', '2026-11-22', ?, 'another isolate', 'r-1', ?)",
        ticket,
        micros,
        round(EPOCH_S * 1000),
    )


async def test_a_reservation_without_a_row_becomes_spent_at_what_was_reserved() -> None:
    made = World(database=SqliteDatabase())
    reserve(made, "dead")
    await asyncio.sleep(MAX_AGE_S)
    await close_reservations(made.ports)
    assert made.database.rows("SELECT * FROM spend") == []

    await asyncio.sleep(1)
    for _ in range(2):
        await close_reservations(made.ports)

    assert made.database.rows("SELECT key, cost_micros, requests FROM spend") == [
        {"key": "one", "cost_micros": 700, "requests": 1}
    ]
    (row,) = made.database.rows("SELECT outcome, cost_micros, estimated_micros, cost_state FROM requests")
    assert row == {"outcome": "lost", "cost_micros": 700, "estimated_micros": 700, "cost_state": "estimated"}
    assert made.database.rows("SELECT * FROM reservations") == []


async def test_the_cron_trigger_closes_reservations() -> None:
    made = World(database=SqliteDatabase())
    reserve(made, "dead")
    await asyncio.sleep(MAX_AGE_S + 1)

    await run_cron(Settings.from_env(ENV.get), made.ports, made.memory)

    assert made.database.rows("SELECT * FROM reservations") == []
    assert made.database.rows("SELECT cost_micros FROM spend") == [{"cost_micros": 700}]
