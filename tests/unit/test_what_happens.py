"""Tests each row of the README's table *What happens when*. Every row must have a case here."""

import asyncio
import json
import re
from collections.abc import Awaitable, Callable

import pytest

from gateway.memory.signatures import digest_of
from scripts.tools import ROOT
from tests.support.chunks import COMMENT, DONE, STOP, USAGE, text, text_in
from tests.support.models import listing, model
from tests.support.upstream import (
    HANG,
    RESET,
    after,
    answer,
    breaks,
    fail,
    hang,
    healthy_stream,
    refuse,
    reply,
    stream,
)
from tests.support.world import TOKEN, Answer, World, now_s, one_key

pytestmark = pytest.mark.anyio

README = ROOT / "README.md"
TABLE = re.compile(r"## What happens when\n\n.*?\n\|---\|---\|---\|\n(.*?)\n\n", re.DOTALL)
BOTH = ("a/one", "b/two")


async def a_model_fails() -> None:
    for act in (fail(503), fail(404), fail(429), refuse, breaks(RESET), hang):
        world = World({"ATTEMPT_MS": "1000"}).script("a/one", act)

        assert (await world.ask(*BOTH)).receipt["served"] == "b/two"


async def a_200_is_no_answer() -> None:
    failure: dict[str, object] = {"error": {"code": 502, "message": "Provider returned error"}}
    html = reply(200, b"<html></html>", content_type="text/html")
    failed, none = (reply(200, json.dumps(body).encode()) for body in (failure, {"choices": list[str]()}))
    for act in (
        failed,
        none,
        answer(""),
        html,
        reply(200, b'{"choices": [{'),
        reply(200, b": PROCESSING\n\n"),
    ):
        world = World().script("a/one", act)

        assert (await world.ask(*BOTH)).receipt["served"] == "b/two"


async def a_model_shows_nothing() -> None:
    for streamed, seconds, limit in ((True, 15.0, "first_token"), (False, 90.0, "attempt")):
        world, began_s = World().script("a/one", hang), now_s()

        got = await world.ask(*BOTH, stream=streamed)

        assert got.receipt["served"] == "b/two"
        assert now_s() - began_s == pytest.approx(seconds)
        first = got.receipt["attempts"][0]
        assert (first["limit"], first["limit_ms"], bool(first["because"])) == (limit, seconds * 1000, True)
    world = World().script("a/one", after(200.0, answer()))
    assert (await world.ask("a/one")).status == 200


async def a_model_asks_for_a_pause() -> None:
    world = World().script("a/one", fail(429, retry_after="30"), fail(429, retry_after="5"), answer())
    await world.ask(*BOTH)

    assert (await world.ask(*BOTH)).receipt["skipped"][0]["reason"] == "resting"
    alone = await world.ask("a/one")
    assert (alone.status, alone.headers["retry-after"], now_s()) == (429, "30", 0.0)
    assert (await world.ask("a/one", gateway={"max_wait_ms": 60_000})).receipt["served"] == "a/one"
    assert now_s() == pytest.approx(35.0)


async def the_last_model_may_recover() -> None:
    world = World().script("a/one", fail(404)).script("b/two", fail(503), answer())

    assert (await world.ask(*BOTH)).codes == ["no_endpoints", "overloaded", None]


async def a_model_cannot_serve_it() -> None:
    no_tools = model("b/two", supported_parameters=["max_tokens"])
    tools = [{"type": "function", "function": {"name": "f", "parameters": {}}}]
    world = World()
    world.upstream.pages["/models"] = (listing(model("a/one"), no_tools, model("c/three")),)
    await world.ask("a/one")
    await world.let_run()
    world.script("a/one", fail(404))

    got = await world.ask("a/one", "b/two", "c/three", tools=tools)

    assert got.receipt["served"] == "c/three"
    assert [(each["model"], each["reason"]) for each in got.receipt["skipped"]] == [("b/two", "no_tools")]
    assert (await world.ask("b/two", tools=tools)).status == 400
    assert "b/two" not in world.upstream.models


async def the_account_is_at_fault() -> None:
    messages = {401: "User not found.", 402: "Insufficient credits", 403: "Key limit exceeded (daily limit)"}
    for status, message in messages.items():
        world = World().script("a/one", fail(status, message))

        got = await world.ask(*BOTH)

        assert world.upstream.models == ["a/one"]
        assert (got.status, got.error["metadata"]["source"]) == (status, "openrouter")


async def a_budget_is_spent() -> None:
    budget = {"name": "one", "token": TOKEN, "budget": {"day_usd": 0}}
    world = World({"GATEWAY_KEYS": json.dumps([budget])})

    got = await world.ask(*BOTH)

    assert (got.status, got.error["code"]) == (402, "budget_spent")
    assert got.error["metadata"]["resets_at"].endswith("T00:00:00Z")
    assert world.upstream.received == []


async def an_agent_repeats_a_call() -> None:
    call = {"id": "1", "type": "function", "function": {"name": "read_file", "arguments": "{}"}}
    turn = [
        {"role": "assistant", "content": None, "tool_calls": [call]},
        {"role": "tool", "tool_call_id": "1", "content": "x"},
    ]
    world = World({"LOOP_LIMIT": "3"})

    got = await world.ask(*BOTH, messages=turn * 3)

    assert (got.status, got.error["code"]) == (422, "agent_loop")
    assert "`read_file`" in got.error["message"]
    assert world.upstream.received == []


async def a_session_has_spent_its_budget() -> None:
    world = World()
    await world.ask(*BOTH, session_id="s")

    got = await world.ask(*BOTH, session_id="s", gateway={"max_session_usd": 0.000_001})

    assert (got.status, got.error["code"]) == (402, "session_budget_spent")
    assert len(world.upstream.received) == 1


async def a_key_calls_too_often() -> None:
    world = World({"GATEWAY_KEYS": one_key(per_minute=1)})
    await world.ask(*BOTH)

    got = await world.ask(*BOTH)

    assert got.status == 429
    assert {"retry-after", "x-ratelimit-limit"} <= got.headers.keys()
    assert len(world.upstream.received) == 1


async def the_request_is_at_fault() -> None:
    world = World({"MAX_BODY_BYTES": "1000"})

    wrong = await world.ask(*BOTH, temperature="hot")
    long = await world.ask(*BOTH, user="x" * 1000)

    assert (wrong.status, wrong.error["param"]) == (400, "temperature")
    assert (long.status, long.error["param"]) == (413, "body")
    assert world.upstream.received == []
    world.script("a/one", fail(400, 'Input required: specify "prompt" or "messages"'))
    assert (await world.ask(*BOTH)).status == 400
    assert world.upstream.models == ["a/one"]


async def no_model_answers() -> None:
    world = World().script("a/one", fail(404)).script("b/two", fail(404))

    got = await world.ask(*BOTH)

    assert got.headers["x-should-retry"] == "false"
    assert [each["model"] for each in got.receipt["attempts"]] == [*BOTH]


async def a_watched_answer_is_cut_off() -> None:
    options = {"watch": True, "first_token_ms": 1_000, "idle_ms": 1_000}
    for act in (hang, stream(COMMENT, HANG), stream(text("Hel"), HANG), stream(text("Hel"), RESET)):
        world = World().script("a/one", act).script("b/two", healthy_stream("Bye."))

        got = await world.ask(*BOTH, gateway=options)

        assert (got.receipt["served"], got.json["choices"][0]["message"]["content"]) == ("b/two", "Bye.")
        assert got.receipt["ms"] <= 1_000


async def a_stream_is_cut_off() -> None:
    world = World().script("a/one", stream(text("Hel"), RESET))

    events = (await world.ask(*BOTH, stream=True)).events

    assert events[-1]["error"]["metadata"]["partial"] is True
    assert [each for each in events if "error" in each] == [events[-1]]
    assert {choice["finish_reason"] for each in events for choice in each["choices"]} <= {None, "error"}


async def a_stream_starts_over() -> None:
    world = World().script("a/one", stream(text("Hel"), RESET)).script("b/two", healthy_stream("Bye."))

    events = (await world.ask(*BOTH, stream=True, gateway={"on_midstream": "restart"})).events

    [seam] = [at for at, each in enumerate(events[:-1]) if each.get("gateway", {}).get("event") == "restart"]
    assert (text_in(events[:seam]), text_in(events[seam:])) == ("Hel", "Bye.")


async def a_stream_is_continued() -> None:
    world = World().script("a/one", stream(text("Hello, "), RESET))
    world.script("b/two", fail(400, "No prefill."), healthy_stream("Hello, you."))

    events = (await world.ask(*BOTH, stream=True, gateway={"on_midstream": "continue"})).events

    assert text_in(events) == "Hello, you."
    messages = [each.body["messages"] for each in world.upstream.received]
    assert [[each["role"] for each in sent] for sent in messages] == [
        ["user"],
        ["user", "assistant"],
        ["user", "assistant", "user"],
    ]


async def a_stream_is_held() -> None:
    world = World().script("a/one", stream(text("Hel"), RESET)).script("b/two", healthy_stream("Bye."))
    world.script("c/three", stream(text("Hel"), RESET))
    options = {"on_midstream": "hold", "retries": 0}

    assert text_in((await world.ask(*BOTH, stream=True, gateway=options)).events) == "Bye."
    got = await world.ask("c/three", stream=True, gateway=options)
    assert got.status == 502
    assert "choices" not in got.json


async def the_client_leaves() -> None:
    world = World().script("a/one", hang)
    asking = asyncio.ensure_future(world.ask(*BOTH))
    await asyncio.sleep(1)

    asking.cancel()
    await asyncio.gather(asking, return_exceptions=True)

    assert world.upstream.cancelled == ["a/one"]
    assert world.upstream.models == ["a/one"]


async def the_gateway_fails_itself() -> None:
    world = World().script("a/one", breaks(RuntimeError("a bug")))

    assert (await world.ask(*BOTH)).receipt["served"] == "b/two"
    assert [line["error"] for line in world.events("internal_error")] == ["RuntimeError"]


async def a_conversation_holds_signed_reasoning() -> None:
    def talk(signature: str) -> list[dict[str, object]]:
        details = [{"type": "reasoning.text", "signature": signature}]
        return [{"role": "user", "content": "Hi"}, {"role": "assistant", "reasoning_details": details}]

    def removed(got: Answer) -> list[int]:
        return [each.get("signed_parts_removed", 0) for each in got.receipt["attempts"]]

    world = World().script("a/one", fail(400, "Corrupted thought signature."), answer())
    world.memory.signatures.note(digest_of("known"), "b/two")

    first = await world.ask(*BOTH, messages=talk("known"))
    assert first.receipt["served"] == "b/two"
    assert removed(await world.ask("c/three", messages=talk("known"))) == [1]
    assert removed(await world.ask("a/one", messages=talk("unknown"))) == [0, 1]


CASES: dict[str, Callable[[], Awaitable[None]]] = {
    "a model fails, times out, or is rate-limited": a_model_fails,
    "HTTP 200 that is no answer: an error inside, no choices, empty, HTML, cut JSON, only comments": (
        a_200_is_no_answer
    ),
    "a stream shows nothing, or a plain answer does not come": a_model_shows_nothing,
    "a model asked for a pause (`Retry-After`, free-tier limits)": a_model_asks_for_a_pause,
    "the last model fails in a way that may pass": the_last_model_may_recover,
    "a conversation holds [reasoning that a model has signed](docs/routing.md#signed-reasoning)": (
        a_conversation_holds_signed_reasoning
    ),
    "a model cannot serve the request, by the list of models": a_model_cannot_serve_it,
    "the account is at fault: key refused, credits, limits": the_account_is_at_fault,
    "a budget is spent, or does not cover the request": a_budget_is_spent,
    "an agent repeats the same tool call without progress (`LOOP_LIMIT`)": an_agent_repeats_a_call,
    "a session has spent its `max_session_usd`": a_session_has_spent_its_budget,
    "a key calls too often": a_key_calls_too_often,
    "the request is at fault": the_request_is_at_fault,
    "no model answered": no_model_answers,
    "a plain answer that is watched (`watch`) is silent, stalls or is cut off": a_watched_answer_is_cut_off,
    "a stream is cut off after it has begun": a_stream_is_cut_off,
    'a stream is cut off, with `on_midstream: "restart"`': a_stream_starts_over,
    'a stream is cut off, with `on_midstream: "continue"`': a_stream_is_continued,
    'a stream is cut off, with `on_midstream: "hold"`': a_stream_is_held,
    "the client leaves": the_client_leaves,
    "the gateway itself fails in an attempt": the_gateway_fails_itself,
}


def situations() -> list[str]:
    """Return the first column of the README's table."""
    table = TABLE.search(README.read_text(encoding="utf-8"))
    assert table is not None
    return [row.split(" | ")[0].removeprefix("| ") for row in table[1].splitlines()]


def test_every_row_has_its_case() -> None:
    assert situations() == [*CASES]


@pytest.mark.parametrize("situation", CASES)
async def test_the_gateway_does_what_the_table_says(situation: str) -> None:
    await CASES[situation]()


async def test_a_complete_stream_ends_with_done_unlike_a_cut_off_one() -> None:
    complete: Answer = (
        await World().script("a/one", stream(text("Hello."), STOP, USAGE, DONE)).ask("a/one", stream=True)
    )

    assert complete.events[-1] == "[DONE]"
