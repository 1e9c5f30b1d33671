"""Requests every behaviour of the table, plain and streamed, all at once."""

import asyncio
from dataclasses import dataclass

import httpx
import pytest

from simulator.behaviours import AUTHOR, behaviours, find
from simulator.dialects.dialect import Dialect
from simulator.row import Behaviour
from simulator.scope import has_meaning
from simulator.server import DIALECTS
from tests.simulator.responses_reader import checked_response, responses_events_of
from tests.simulator.rig import KEY, NEEDED, Rig, chunks_of, data_of, fresh_user, named_events_of

pytestmark = pytest.mark.anyio

SILENT = {
    *("hang", "hang-body", "whitespace", "comments-only"),
    *("stall-before", "stall-after", "stall-comments", "stall-empty", "stall-after-block", "coder-stall"),
    "stall-bytes-<n>",
}
OUTCOMES = {
    **dict.fromkeys(("reset", "reset-body", "reset-after", "reset-after-block", "coder-reset"), "reset"),
    **dict.fromkeys(("close", "truncated", "close-bytes-<n>"), "closed"),
    "reset-bytes-<n>": "reset",
}
TIMEOUT_S = 10
SILENT_S = 0.5  # how long nothing may come, from the arrival on
BEAT_S = 0.02
AT_ONCE = 24


@dataclass(frozen=True)
class Seen:
    status: int | None
    text: str
    failed: bool
    timed_out: bool


async def _seen(
    client: httpx.AsyncClient, rig: Rig, path: str, row: Behaviour, user: str, *, stream: bool
) -> Seen:
    body = {"model": AUTHOR + row.example_name, "user": user, "stream": stream, **NEEDED[path]}
    url = rig.url + path
    status, received, failed, timed_out = None, b"", False, False
    limit = asyncio.timeout(TIMEOUT_S)
    watch = asyncio.create_task(_give_up_soon(limit, client, rig, user)) if row.name in SILENT else None
    try:
        async with limit, client.stream("POST", url, json=body) as answer:
            status = answer.status_code
            async for part in answer.aiter_raw():
                received += part
    except httpx.TransportError:
        failed = True
    except TimeoutError:
        timed_out = True
    finally:
        if watch:
            watch.cancel()
    return Seen(status, received.decode(errors="replace"), failed, timed_out)


async def _outcomes(client: httpx.AsyncClient, rig: Rig, user: str) -> list[str]:
    log = await client.get(f"{rig.root}/sim/log", params={"user": user})
    return [entry["outcome"] for entry in log.json()["entries"]]


async def _give_up_soon(limit: asyncio.Timeout, client: httpx.AsyncClient, rig: Rig, user: str) -> None:
    """Let the request time out a while after it has arrived, however busy the machine is."""
    while not await _outcomes(client, rig, user):  # noqa: ASYNC110  # another process answers
        await asyncio.sleep(BEAT_S)
    limit.reschedule(asyncio.get_running_loop().time() + SILENT_S)


async def _ended(client: httpx.AsyncClient, rig: Rig, user: str) -> list[str]:
    """Return the outcomes once no request is open."""
    async with asyncio.timeout(TIMEOUT_S):
        while "open" in (outcomes := await _outcomes(client, rig, user)):  # noqa: ASYNC110  # as above
            await asyncio.sleep(BEAT_S)
    return outcomes


def _expected_outcome(dialect: Dialect, row: Behaviour, *, stream: bool) -> str:
    if not has_meaning(row, dialect):
        return "answered"
    if row.name in SILENT:
        return "cancelled"
    if row.name.startswith("sse-07"):
        return "closed" if stream else "answered"
    return OUTCOMES.get(row.name, "answered")


@pytest.mark.parametrize("dialect", DIALECTS, ids=lambda dialect: dialect.path)
async def test_every_behaviour_ends_in_time_and_as_the_journal_says(sim: Rig, dialect: Dialect) -> None:
    limit = asyncio.Semaphore(AT_ONCE)

    async with httpx.AsyncClient(headers=KEY, timeout=10) as client:

        async def check(row: Behaviour, *, stream: bool) -> str | None:
            user = fresh_user()
            async with limit:
                seen = await _seen(client, sim, dialect.path, row, user, stream=stream)
                outcomes = await _ended(client, sim, user)
            expected = _expected_outcome(dialect, row, stream=stream)
            as_expected = (
                outcomes == [expected]
                and seen.timed_out == (expected == "cancelled")
                and seen.failed == (expected in {"reset", "closed"})
                and ("has no meaning" in seen.text) != has_meaning(row, dialect)
            )
            return None if as_expected else f"{row.name} stream={stream}: {outcomes}, {seen}"

        kinds = (False, True) if dialect.streams else (False,)
        checks = [check(row, stream=stream) for row in behaviours().values() for stream in kinds]
        surprises = [surprise for surprise in await asyncio.gather(*checks) if surprise]
    assert surprises == []


@pytest.mark.parametrize("row", behaviours().values(), ids=lambda row: row.name)
def test_every_name_of_the_table_leads_to_its_own_row(row: Behaviour) -> None:
    found = find(AUTHOR + row.example_name)
    assert found is not None
    assert (found.behaviour.name, found.first_calls) == (row.name, None)


HEALTHY = [row for row in behaviours().values() if row.group == "healthy"]


@pytest.mark.parametrize("row", HEALTHY, ids=lambda row: row.name)
def test_a_plain_answer_has_the_cost_that_the_journal_shows(sim: Rig, row: Behaviour) -> None:
    user = fresh_user()
    answer = sim.chat(AUTHOR + row.example_name, user)
    body = answer.json()
    assert answer.headers["x-generation-id"] == body["id"]
    assert body["object"] == "chat.completion"
    assert body["choices"][0]["finish_reason"]
    assert 0 < body["usage"]["cost"] == sim.one(user)["cost_usd"]


@pytest.mark.parametrize("row", HEALTHY, ids=lambda row: row.name)
def test_a_healthy_stream_has_text_finish_reason_usage_and_done(sim: Rig, row: Behaviour) -> None:
    user = fresh_user()
    answer = sim.chat(AUTHOR + row.example_name, user, stream=True)
    chunks = chunks_of(answer.text)
    assert answer.headers["content-type"] == "text/event-stream"
    assert answer.headers["transfer-encoding"] == "chunked"
    assert data_of(answer.text)[-1] == "[DONE]"
    assert {chunk["id"] for chunk in chunks} == {answer.headers["x-generation-id"]}
    assert chunks[-2]["choices"][0]["finish_reason"]
    assert chunks[-1]["usage"]["cost"] == sim.one(user)["cost_usd"] > 0
    assert sim.one(user)["events_sent"] == len(chunks) + 1


@pytest.mark.parametrize("row", HEALTHY, ids=lambda row: row.name)
def test_a_plain_message_has_the_cost_that_the_journal_shows(sim: Rig, row: Behaviour) -> None:
    user = fresh_user()
    answer = sim.messages(AUTHOR + row.example_name, user)
    body = answer.json()
    assert body["type"] == "message"
    assert body["content"]
    assert body["stop_reason"]
    assert 0 < body["usage"]["cost"] == sim.one(user)["cost_usd"]
    generation = sim.get(f"/api/v1/generation?id={answer.headers['x-generation-id']}")["data"]
    assert generation["total_cost"] == body["usage"]["cost"]


@pytest.mark.parametrize("row", HEALTHY, ids=lambda row: row.name)
def test_a_healthy_stream_of_messages_is_in_order_and_complete(sim: Rig, row: Behaviour) -> None:
    user = fresh_user()
    answer = sim.messages(AUTHOR + row.example_name, user, stream=True)
    events = named_events_of(answer.text)
    spoken = [event for event in events if event["type"] != "ping"]
    assert spoken[0]["type"] == "message_start"
    assert [event["type"] for event in spoken[-2:]] == ["message_delta", "message_stop"]
    assert spoken[-2]["delta"]["stop_reason"]
    assert spoken[-2]["usage"]["cost"] == sim.one(user)["cost_usd"] > 0
    assert sim.one(user)["events_sent"] == len(events)
    open_block = None
    for event in spoken[1:-2]:
        if event["type"] == "content_block_start":
            assert open_block is None
            open_block = event["index"]
        assert event["index"] == open_block
        if event["type"] == "content_block_stop":
            open_block = None
    assert open_block is None


@pytest.mark.parametrize("path", ["/responses", "/completions"])
@pytest.mark.parametrize("row", HEALTHY, ids=lambda row: row.name)
def test_a_plain_answer_says_its_kind_and_its_cost(sim: Rig, path: str, row: Behaviour) -> None:
    user = fresh_user()
    answer = sim.ask(path, AUTHOR + row.example_name, user)
    body = answer.json()
    if path == "/responses":
        ending = "incomplete" if row.name == "length" else "completed"
        assert (body["object"], body["status"], bool(body["output"])) == ("response", ending, True)
    else:
        assert (body["object"], bool(body["choices"][0]["finish_reason"])) == ("text_completion", True)
    assert 0 < body["usage"]["cost"] == sim.one(user)["cost_usd"]
    generation = sim.get(f"/api/v1/generation?id={answer.headers['x-generation-id']}")["data"]
    assert generation["total_cost"] == body["usage"]["cost"]


@pytest.mark.parametrize("row", HEALTHY, ids=lambda row: row.name)
def test_a_healthy_stream_of_responses_is_in_order_and_complete(sim: Rig, row: Behaviour) -> None:
    user = fresh_user()
    answer = sim.ask("/responses", AUTHOR + row.example_name, user, stream=True)
    events = responses_events_of(answer.text)
    response = checked_response(events)
    assert response["status"] == ("incomplete" if row.name == "length" else "completed")
    assert response["usage"]["cost"] == sim.one(user)["cost_usd"] > 0
    assert sim.one(user)["events_sent"] == len(events) + 1


@pytest.mark.parametrize("row", HEALTHY, ids=lambda row: row.name)
def test_a_healthy_stream_of_completions_has_text_finish_reason_usage_and_done(
    sim: Rig, row: Behaviour
) -> None:
    user = fresh_user()
    answer = sim.ask("/completions", AUTHOR + row.example_name, user, stream=True)
    chunks = chunks_of(answer.text)
    choices = [choice for chunk in chunks for choice in chunk["choices"]]
    assert data_of(answer.text)[-1] == "[DONE]"
    assert {chunk["object"] for chunk in chunks} == {"text_completion"}
    assert all("delta" not in choice for choice in choices)
    assert choices[-1]["finish_reason"]
    assert any(choice.get("text") or choice.get("reasoning") for choice in choices)
    assert chunks[-1]["usage"]["cost"] == sim.one(user)["cost_usd"] > 0
