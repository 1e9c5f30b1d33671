"""Tests the answer cache with complete requests: what is cached, for which caller, and what a hit returns."""

import asyncio
import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.answer_cache import reuse
from gateway.answer_cache.cacheable import MAX_BYTES, key_of
from gateway.http.message import ClientGoneError
from gateway.pipeline.prepared import Prepared
from gateway.settings.settings import Settings
from tests.support.chunks import DONE, STOP, USAGE, text
from tests.support.sqlite_database import SqliteDatabase
from tests.support.upstream import RESET, Act, after, answer, fail, healthy_stream, stream
from tests.support.world import EPOCH_S, TOKEN, Answer, Answers, World, chat, finish, one_key, run

pytestmark = pytest.mark.anyio
USE_CACHE = {"cache_ttl_s": 60}
OTHER = "canary-of-another-token"


async def ask(made: World, *models: str, stream: bool = False, **fields: object) -> Answer:
    got = await made.ask(*models or ("a/one",), stream=stream, **{"gateway": USE_CACHE, **fields})
    await made.let_run()
    return got


def choice(**fields: object) -> list[dict[str, object]]:
    message = {"role": "assistant", "content": "Hello."}
    return [{"index": 0, "message": message, "finish_reason": "stop", **fields}]


async def test_a_hit_makes_no_call_and_costs_nothing() -> None:
    made = World()

    first, second = await ask(made), await ask(made)

    assert len(made.upstream.received) == 1
    assert (first.headers["x-gateway-cache"], second.headers["x-gateway-cache"]) == ("miss", "hit")
    assert second.json["choices"] == first.json["choices"]
    assert second.json["usage"] == {**first.json["usage"], "cost": 0}
    assert second.receipt["served"] == "a/one"
    assert second.receipt["attempts"] == []
    assert (second.receipt["cost_usd"], second.receipt["cache"]) == (0, {"hit": True, "age_s": 0})
    assert first.receipt["cache"] == {"hit": False, "age_s": None}
    assert second.headers["x-gateway-model"] == "a/one"
    assert made.answer_cache.ttls_s == [60]


async def test_two_gateways_of_one_zone_share_no_answer_although_their_keys_have_one_name() -> None:
    one, other = World(), World({"OPENROUTER_API_KEY": "sk-or-v1-canary-of-another-account"})
    other.answer_cache = one.answer_cache

    await ask(one)
    got = await ask(other)

    assert got.headers["x-gateway-cache"] == "miss"
    assert len(other.upstream.received) == 1


@pytest.mark.parametrize("streamed", [False, True])
async def test_a_request_is_named_once(streamed: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    named: list[str] = []

    def noted(prepared: Prepared, settings: Settings) -> str:
        named.append(key_of(prepared, settings))
        return named[-1]

    monkeypatch.setattr(reuse, "key_of", noted)
    made = World()

    await ask(made, stream=streamed)

    assert [*made.answer_cache.values] == named
    assert len(named) == 1


async def test_a_streamed_hit_has_the_same_events_and_its_own_receipt() -> None:
    made = World()

    first, second = await ask(made, stream=True), await ask(made, stream=True)

    assert len(made.upstream.received) == 1

    def bare(got: Answer) -> list[Any]:
        events = [each for each in got.events if each != "[DONE]"]
        return [
            {
                name: {**value, "cost": 0} if name == "usage" else value
                for name, value in each.items()
                if name != "gateway"
            }
            for each in events
        ]

    assert bare(second) == bare(first)
    assert second.events[-1] == "[DONE]"
    assert second.receipt["cache"]["hit"] is True
    assert second.receipt["request_id"] != first.receipt["request_id"]


async def test_a_hit_states_its_age_and_is_not_older_than_the_request_allows() -> None:
    made = World()
    await ask(made)
    await asyncio.sleep(40)
    assert (await ask(made)).headers["age"] == "40"
    assert (await ask(made, gateway={"cache_ttl_s": 30})).headers["x-gateway-cache"] == "miss"
    await asyncio.sleep(61)
    assert (await ask(made)).headers["x-gateway-cache"] == "miss"


NOT_CACHED: dict[str, Act] = {
    "length limit": answer(choices=choice(finish_reason="length")),
    "filtered": answer(choices=choice(finish_reason="content_filter")),
    "a tool call": answer(
        choices=choice(
            message={
                "role": "assistant",
                "content": None,
                "tool_calls": [{"id": "1", "function": {"name": "f"}}],
            },
            finish_reason="tool_calls",
        )
    ),
    "no finish reason": answer(choices=choice(finish_reason=None)),
    "too large": answer("x" * MAX_BYTES),
    "failed": fail(404),
}


@pytest.mark.parametrize("act", [*NOT_CACHED.values()], ids=[*NOT_CACHED])
async def test_a_plain_answer_that_is_not_complete_is_not_cached(act: Act) -> None:
    made = World().script("a/one", act)

    await ask(made)

    assert made.answer_cache.values == {}


NOT_COMPLETE: dict[str, Act] = {
    "cut off": stream(text("Hello."), RESET),
    "no finish reason": stream(text("Hello."), DONE),
    "an error": stream(text("Hello."), b'data: {"error": {"code": 502, "message": "x"}}\n\n'),
    "too large": stream(text("x" * MAX_BYTES), STOP, USAGE, DONE),
    "length limit": stream(text("Hi"), STOP.replace(b'"stop"', b'"length"'), USAGE, DONE),
}


@pytest.mark.parametrize("act", [*NOT_COMPLETE.values()], ids=[*NOT_COMPLETE])
async def test_a_stream_that_is_not_complete_is_not_cached(act: Act) -> None:
    made = World().script("a/one", act)

    await ask(made, stream=True)

    assert made.answer_cache.values == {}


async def test_a_stream_that_another_model_took_over_is_not_cached() -> None:
    made = World().script("a/one", stream(text("Hello."), RESET))

    got = await ask(made, "a/one", "b/two", stream=True, gateway={**USE_CACHE, "on_midstream": "restart"})

    assert [attempt["outcome"] for attempt in got.receipt["attempts"]] == ["cut_off", "answered"]
    assert made.answer_cache.values == {}


async def test_a_stream_that_is_handed_over_is_not_cached() -> None:
    made = World({"STREAM_GUARD_EVENTS": "1"})

    await ask(made, stream=True)

    assert made.answer_cache.values == {}


async def test_a_stream_whose_client_leaves_is_not_cached() -> None:
    made = World().script("a/one", stream(text("a"), 1.0, text("b"), STOP, USAGE, DONE))

    async def leave(_: bytes) -> None:
        raise ClientGoneError

    response = await made.begin(chat("a/one", stream=True, gateway=USE_CACHE))
    await finish(response, on_write=leave)
    await made.let_run()

    assert made.answer_cache.values == {}


async def test_an_early_stream_is_cached_without_its_comments() -> None:
    made = World().script("a/one", after(5.0, healthy_stream()))
    options = {**USE_CACHE, "keepalive_ms": 1_000}

    first = await ask(made, stream=True, gateway=options)
    second = await ask(made, stream=True, gateway=options)

    assert b": keep-alive" in first.body
    assert b": keep-alive" not in second.body
    assert len(made.upstream.received) == 1


async def test_callers_share_no_answers() -> None:
    keys = json.dumps([{"name": "one", "token": TOKEN}, {"name": "two", "token": OTHER}])
    made = World({"GATEWAY_KEYS": keys})
    for token in (TOKEN, OTHER):
        headers = {"authorization": f"Bearer {token}"}
        await finish(await made.begin(chat("a/one", gateway=USE_CACHE), headers=headers))
        await made.let_run()

    assert len(made.upstream.received) == 2
    assert len(made.answer_cache.values) == 2


async def test_a_cached_plain_answer_is_not_used_for_a_stream() -> None:
    made = World()
    await ask(made)
    await ask(made, stream=True)

    assert len(made.upstream.received) == 2


FIELDS = st.fixed_dictionaries(
    {},
    optional={
        "temperature": st.sampled_from([0, 0.5]),
        "max_tokens": st.sampled_from([1, 2]),
        "models": st.sampled_from([["a/one"], ["b/two"], ["a/one", "b/two"]]),
        "messages": st.sampled_from([[{"role": "user", "content": each}] for each in ("a", "b")]),
        "response_format": st.just({"type": "json_object"}),
        "my_own": st.booleans(),
        "stream_options": st.just({"include_usage": True}),
    },
)


@settings(max_examples=150, deadline=None)
@given(one=FIELDS, other=FIELDS)
def test_requests_share_an_answer_if_and_only_if_they_are_equal(
    one: dict[str, object], other: dict[str, object]
) -> None:
    async def calls() -> int:
        made = World()
        made.upstream.scripts = {name: (answer("{}"),) for name in ("a/one", "b/two")}
        for fields in (one, other):
            await finish(await made.begin(chat() | {"models": ["a/one"], "gateway": USE_CACHE} | fields))
            await made.let_run()
        return len(made.upstream.received)

    base: dict[str, object] = {"models": ["a/one"]}
    assert run(calls()) == (1 if json.dumps(base | one) == json.dumps(base | other) else 2)


async def test_without_the_option_the_cache_is_neither_read_nor_written() -> None:
    made = World()
    got = await made.ask("a/one")
    await made.let_run()

    assert "x-gateway-cache" not in got.headers
    assert "cache" not in got.receipt
    assert made.answer_cache.values == {}


async def test_a_task_route_may_set_the_option() -> None:
    route = {"models": ["a/one"], "options": {"cache_ttl_s": 10}}
    made = World({"TASK_ROUTES": json.dumps({"task/mine": route})})
    for _ in range(2):
        await made.ask("task/mine")
        await made.let_run()

    assert len(made.upstream.received) == 1


@pytest.mark.parametrize(
    "value", [b"", b"{", b"[]", b'{"version": 0}', b'{"version": 1, "chunks": []}'], ids=repr
)
async def test_a_corrupted_entry_is_a_miss(value: bytes) -> None:
    made = World()
    await ask(made)
    for key in made.answer_cache.values:
        made.answer_cache.values[key] = value

    assert (await ask(made)).headers["x-gateway-cache"] == "miss"


async def test_a_cache_that_fails_is_a_miss() -> None:
    made = World(answer_cache=Answers(broken=True))

    assert [(await ask(made)).headers["x-gateway-cache"] for _ in range(2)] == ["miss", "miss"]


async def test_a_hit_costs_nothing_in_the_ledger_and_holds_no_budget() -> None:
    made = World({"GATEWAY_KEYS": one_key(budget={"day_usd": 1}, concurrent=1)}, database=SqliteDatabase())
    await ask(made)
    await ask(made)

    rows = made.database.rows("SELECT served, attempts, outcome, cost_micros FROM requests ORDER BY id")
    assert [tuple(row.values()) for row in rows] == [
        ("a/one", 1, "answered", 21),
        ("a/one", 0, "answered", 0),
    ]
    assert made.memory.rates.in_flight("one", now_s=0.0) == 0
    assert made.memory.spending.spent("one", "day", now_s=EPOCH_S) == 21


@pytest.mark.parametrize("value", [0, -1, 86_401, "60", True, 1.5])
async def test_the_option_accepts_only_whole_seconds_up_to_a_day(value: object) -> None:
    got = await World().ask("a/one", gateway={"cache_ttl_s": value})

    assert (got.status, got.error["param"]) == (400, "gateway.cache_ttl_s")
