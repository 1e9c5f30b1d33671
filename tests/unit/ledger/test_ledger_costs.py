"""Tests the recorded cost of unusual attempts: hedges, cut-off streams, nonsense from upstreams."""

import asyncio
import json
from collections.abc import Sequence
from typing import Any

import pytest

from gateway.http.json_values import JsonObject
from gateway.ledger.settle import BACK_OFF_S, settle_costs
from gateway.memory.ports import DatabaseError, Statement
from gateway.settings.settings import Settings
from tests.support.chunks import DONE, STOP, USAGE, chunk, text
from tests.support.ledger_world import ledger_world
from tests.support.sqlite_database import SqliteDatabase
from tests.support.upstream import DIRECT_BASE_URL, RESET, Act, after, answer, fail, hang, reply, stream
from tests.support.world import ENV, TOKEN, World, chat, finish

pytestmark = pytest.mark.anyio
WORST = 200  # micro-dollars for a hundred completion tokens; the prompt costs more


async def row_of_request(
    made: World, *models: str, streamed: bool = False, **fields: object
) -> dict[str, Any]:
    """Send one request and return its row in the ledger."""
    await made.ask(*models, stream=streamed, max_tokens=100, **fields)
    await made.let_run()
    (row,) = made.database.rows("SELECT * FROM requests")
    return row


def unsettled(made: World) -> list[JsonObject]:
    return made.database.rows("SELECT * FROM unsettled ORDER BY generation_id")


def begun(*steps: bytes | float | Exception, name: str = "gen-header") -> Act:
    return reply(200, *steps, content_type="text/event-stream", x_generation_id=name)


def by_first_event(name: str) -> bytes:
    return text("Hi").replace(b"gen-1", name.encode())


async def test_both_answers_of_a_hedge_cost_what_they_report() -> None:
    one, two = answer(usage={"cost": 0.1}), answer(usage={"cost": 0.02})
    made = ledger_world().script("a/one", after(4.0, one)).script("b/two", after(2.0, two))

    row = await row_of_request(made, "a/one", "b/two", gateway={"hedge_ms": 2_000})

    assert (row["cost_micros"], row["cost_state"], row["billed_failures"]) == (120_000, "known", 0)
    assert (row["attempts"], unsettled(made)) == (2, [])


async def test_a_hedges_loser_without_a_reply_is_recorded_at_its_worst_case() -> None:
    made = ledger_world().script("a/one", hang).script("b/two", answer(usage={"cost": 0.02}))

    row = await row_of_request(made, "a/one", "b/two", gateway={"hedge_ms": 2_000})

    assert row["cost_state"] == "estimated"
    assert row["estimated_micros"] > WORST
    assert row["cost_micros"] == 20_000 + row["estimated_micros"]


async def test_the_cost_of_a_losing_stream_that_had_begun_is_settled_later() -> None:
    made = ledger_world().script("a/one", begun(60.0, text("late"), name="gen-loser"))
    made.script("b/two", stream(text("Hi"), STOP, USAGE, DONE))

    row = await row_of_request(made, "a/one", "b/two", streamed=True, gateway={"hedge_ms": 2_000})

    assert (row["cost_micros"], row["cost_state"]) == (21, "pending")
    assert [part["generation_id"] for part in unsettled(made)] == ["gen-loser"]


@pytest.mark.parametrize("how", ["restart", "continue"])
async def test_the_cost_of_a_cut_off_stream_is_settled_later_and_its_successors_is_known(how: str) -> None:
    made = ledger_world().script("a/one", begun(text("Hi"), RESET, name="gen-cut"))

    row = await row_of_request(made, "a/one", "b/two", streamed=True, gateway={"on_midstream": how})

    assert (row["outcome"], row["served"]) == ("answered", "b/two")
    assert (row["cost_micros"], row["cost_state"], row["billed_failures"]) == (21, "pending", 1)
    assert [part["generation_id"] for part in unsettled(made)] == ["gen-cut"]


async def test_streams_that_share_a_generation_id_are_unsettled_at_the_ceilings_of_all() -> None:
    made = ledger_world().script("a/one", begun(text("Hi"), RESET, name="gen-same"))
    ceilings = []

    for _ in range(3):
        await made.ask("a/one", stream=True, max_tokens=100)
        await made.let_run()
        ceilings.append(int(str(unsettled(made)[0]["worst_micros"])))

    assert len(unsettled(made)) == 1
    assert ceilings == [ceilings[0] * number for number in (1, 2, 3)]
    assert ceilings[0] > WORST


async def test_without_the_header_a_streams_first_event_gives_the_generation_id() -> None:
    made = ledger_world().script("a/one", stream(by_first_event("gen-of-event"), RESET))

    await row_of_request(made, "a/one", streamed=True)

    assert [part["generation_id"] for part in unsettled(made)] == ["gen-of-event"]


async def test_the_cost_of_each_of_several_cut_off_streams_is_settled_later() -> None:
    made = ledger_world().script("a/one", begun(text("Hi"), RESET, name="gen-a"))
    made.script("b/two", begun(text("Ho"), RESET, name="gen-b"))

    row = await row_of_request(made, "a/one", "b/two", streamed=True, gateway={"on_midstream": "restart"})

    assert (row["outcome"], row["billed_failures"]) == ("connection_lost", 2)
    assert [(part["generation_id"], part["ticket"]) for part in unsettled(made)] == [
        ("gen-a", row["ticket"]),
        ("gen-b", row["ticket"]),
    ]


async def test_a_client_that_disconnects_during_keep_alive_comments_leaves_a_row() -> None:
    made = ledger_world().script("a/one", hang)
    body = chat("a/one", stream=True, max_tokens=100, gateway={"keepalive_ms": 1_000})
    request = asyncio.create_task(finish(await made.begin(body)))
    await asyncio.sleep(3.5)
    request.cancel()
    await asyncio.gather(request, return_exceptions=True)
    await made.let_run()

    (row,) = made.database.rows("SELECT * FROM requests")
    assert (row["outcome"], row["served"], row["cost_state"]) == ("client_gone", None, "estimated")


def direct(**declared: object) -> World:
    return ledger_world(UPSTREAMS=json.dumps({"near": {"base_url": DIRECT_BASE_URL, **declared}}))


async def test_the_cost_of_a_cut_off_direct_stream_is_not_settled_later() -> None:
    made = direct(usd_per_million_tokens={"fast": {"prompt": 1, "completion": 10}})
    made.script("fast", begun(text("Hi"), RESET))

    row = await row_of_request(made, "direct:near/fast", streamed=True)

    assert unsettled(made) == []
    assert (row["cost_state"], row["cost_micros"]) == ("estimated", row["estimated_micros"])
    assert row["cost_micros"] > 10 * 100


async def test_the_cost_of_a_direct_answer_without_a_price_is_an_estimate() -> None:
    made = direct().script("fast", answer(usage={"prompt_tokens": 100, "completion_tokens": 20}))

    row = await row_of_request(made, "direct:near/fast")

    assert (row["cost_micros"], row["cost_state"], row["prompt_tokens"]) == (0, "estimated", 100)


async def test_a_direct_answer_without_token_counts_is_recorded_at_its_worst_case() -> None:
    made = direct(usd_per_million_tokens={"fast": {"prompt": 1, "completion": 10}})
    made.script("fast", answer(usage={"prompt_tokens": None, "completion_tokens": None}))

    row = await row_of_request(made, "direct:near/fast")

    assert row["cost_state"] == "estimated"
    assert row["cost_micros"] > 10 * 100


@pytest.mark.parametrize("streamed", [False, True])
async def test_nonsense_in_a_usage_spoils_neither_the_answer_nor_the_sums(streamed: bool) -> None:
    usage = {"prompt_tokens": 1e300, "completion_tokens": -5, "cost": 1e308}
    nonsense = b'data: {"id":"gen-1","choices":[],"usage":' + json.dumps(usage).encode() + b"}\n\n"
    made = ledger_world()
    made.script("a/one", stream(text("Hi"), STOP, nonsense, DONE) if streamed else answer(usage=usage))

    row = await row_of_request(made, "a/one", streamed=streamed)

    assert (row["outcome"], row["completion_tokens"]) == ("answered", 0)
    assert row["cost_state"] == ("pending" if streamed else "estimated")
    assert row["cost_micros"] < 1_000
    assert 0 < row["prompt_tokens"] <= 1_000_000_000
    assert (await made.get("/v1/usage")).status == 200


class _Uncertain(SqliteDatabase):
    """A database whose first ``losses`` batches fail, whether or not they were carried out."""

    def __init__(self, losses: int, *, carried_out: bool) -> None:
        super().__init__()
        self._losses = losses
        self._carried_out = carried_out

    async def batch(self, statements: Sequence[Statement]) -> list[list[JsonObject]]:
        self._losses -= 1
        if self._losses < 0:
            return await super().batch(statements)
        if self._carried_out:
            await super().batch(statements)
        raise DatabaseError("lost")


@pytest.mark.parametrize("carried_out", [False, True])
async def test_a_write_that_seemed_to_fail_is_retried_and_counts_once(carried_out: bool) -> None:
    made = World(database=_Uncertain(2, carried_out=carried_out))
    made.script("a/one", begun(text("Hi"), RESET))

    row = await row_of_request(made, "a/one", streamed=True)

    (spend,) = made.database.rows("SELECT * FROM spend")
    assert (spend["requests"], spend["cost_micros"]) == (1, row["cost_micros"])
    assert len(unsettled(made)) == 1
    assert (made.memory.lost_writes.count, made.events("ledger_write_lost")) == (0, [])


async def test_writes_to_a_database_that_stays_down_end_within_the_time_for_background_work() -> None:
    made = World(database=_Uncertain(3, carried_out=False))
    await made.ask("a/one")
    began_s = asyncio.get_running_loop().time()

    await made.let_run()

    assert asyncio.get_running_loop().time() - began_s < 25
    assert made.memory.lost_writes.count == 1
    assert made.database.rows("SELECT * FROM requests") == []


@pytest.mark.parametrize("streamed", [False, True])
async def test_a_bug_in_the_ledger_loses_the_row_and_not_the_answer(
    streamed: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    def row_of(*_: object) -> None:
        raise KeyError(TOKEN)

    monkeypatch.setattr("gateway.ledger.record.row_of", row_of)
    made = ledger_world()

    got = await made.ask("a/one", stream=streamed)
    await made.let_run()

    assert got.status == 200
    assert made.memory.lost_writes.count == 1
    assert made.events("internal_error")
    assert TOKEN not in made.log_text


SETTLED = reply(
    200, b'{"data": {"total_cost": 0.001, "native_tokens_prompt": 3, "native_tokens_completion": 2}}'
)


@pytest.mark.parametrize(
    ("usage", "tokens"),
    [((chunk(usage={"prompt_tokens": 3, "completion_tokens": 2}),), 5), ((), 0)],
    ids=["reported", "not reported"],
)
async def test_tokens_that_were_reported_without_a_cost_count_once(
    usage: tuple[bytes, ...], tokens: int
) -> None:
    def counted(made: World) -> int:
        (row,) = made.database.rows("SELECT prompt_tokens + completion_tokens AS tokens FROM requests")
        return int(str(row["tokens"]))

    for act, later in ((SETTLED, 5), (fail(404), tokens)):
        made = ledger_world().script("a/one", begun(text("Hi"), STOP, *usage, DONE))
        made.upstream.pages["/generation?id=gen-header"] = (act,)
        await row_of_request(made, "a/one", streamed=True)
        assert counted(made) == tokens

        await asyncio.sleep(BACK_OFF_S[0] + 1)
        made.database.rows("UPDATE unsettled SET tries = ?", len(BACK_OFF_S) - 1)  # the last try follows
        assert await settle_costs(Settings.from_env(ENV.get).upstream, made.ports) == 1
        assert counted(made) == later
