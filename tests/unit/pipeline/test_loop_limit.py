"""Tests that the request of an agent that goes round in circles is refused before it costs anything."""

import json
from typing import Any

import pytest

from gateway.pipeline.loop_limit import shown_name
from tests.support.ledger_world import ledger_world
from tests.support.upstream import answer
from tests.support.world import TOKEN, Answer, World, chat, finish, one_key

pytestmark = pytest.mark.anyio
AUTHORIZED = {"authorization": f"Bearer {TOKEN}"}


def transcript(times: int, *, name: str = "read_file", result: str = "x") -> list[dict[str, Any]]:
    call = {"id": "1", "type": "function", "function": {"name": name, "arguments": '{"path": "canary"}'}}
    turn: list[dict[str, Any]] = [
        {"role": "assistant", "content": None, "tool_calls": [call]},
        {"role": "tool", "tool_call_id": "1", "content": result},
    ]
    return [{"role": "user", "content": "Mend it."}, *turn * times]


def circle(times: int, *, name: str = "read_file", **fields: object) -> dict[str, object]:
    return chat("a/one") | fields | {"messages": transcript(times, name=name)}


async def ask(world: World, body: object, *, path: str = "/v1/chat/completions", **headers: str) -> Answer:
    named = {each.replace("_", "-"): value for each, value in headers.items()}
    return await finish(await world.begin(body, path=path, headers=AUTHORIZED | named))


@pytest.mark.parametrize("path", ["/v1/chat/completions", "/v1/plan"])
async def test_a_circle_is_refused_at_the_limit(path: str) -> None:
    world = World({"LOOP_LIMIT": "3"})

    assert (await ask(world, circle(2), path=path)).status == 200
    called = len(world.upstream.received)
    got = await ask(world, circle(3), path=path)

    assert (got.status, got.error["code"], got.error["param"]) == (422, "agent_loop", "messages")
    assert got.error["message"] == (
        "The agent goes round in circles: it called `read_file` with the same arguments 3 times without "
        "progress. The limit is 3 (loop_limit)."
    )
    details = got.error["metadata"]
    assert (details["tool"], details["repetitions"], details["loop_limit"]) == ("read_file", 3, 3)
    assert (details["source"], details["retryable"], details["session_usd"]) == ("client", False, None)
    assert got.headers["x-should-retry"] == "false"
    assert len(world.upstream.received) == called
    assert "canary" not in got.body.decode()


async def test_without_a_limit_nothing_is_refused() -> None:
    assert (await ask(World(), circle(50))).status == 200


async def test_the_same_error_is_named_as_such() -> None:
    calls = [transcript(1, result="Error: no such file")[1:] for _ in range(3)]
    for number, (call, _) in enumerate(calls):
        call["tool_calls"][0]["function"]["arguments"] = json.dumps({"path": number})
    body = chat("a/one", gateway={"loop_limit": 3}) | {"messages": [each for turn in calls for each in turn]}

    got = await ask(World(), body)

    assert "it got the same error from `read_file` 3 times without progress" in got.error["message"]


@pytest.mark.parametrize(
    ("key", "option", "refused_at"),
    [
        ({"options": {"loop_limit": 4}}, None, 4),
        ({"options": {"loop_limit": 4}}, 6, 6),
        ({"options": {"loop_limit": 4}}, 0, None),
        ({"limits": {"loop_limit": 4}}, None, 4),
        ({"limits": {"loop_limit": 4}}, 3, 3),
        ({"limits": {"loop_limit": 4}}, 6, 4),
        ({"limits": {"loop_limit": 4}}, 0, 4),
        ({}, 5, 5),
    ],
    ids=repr,
)
async def test_a_limit_of_the_key_can_be_tightened_and_not_lifted(
    key: dict[str, object], option: int | None, refused_at: int | None
) -> None:
    world = World({"GATEWAY_KEYS": one_key(**key)})
    options = {} if option is None else {"loop_limit": option}

    refused = [
        times
        for times in range(1, 8)
        if (await ask(world, circle(times) | {"gateway": options})).status == 422
    ]

    assert refused == ([] if refused_at is None else [*range(refused_at, 8)])


async def test_a_task_route_may_set_the_limit() -> None:
    route = {"task/mine": {"models": ["a/one"], "options": {"loop_limit": 2}}}
    world = World({"TASK_ROUTES": json.dumps(route)})

    assert (await ask(world, circle(2) | {"models": ["task/mine"]})).error["code"] == "agent_loop"


async def test_the_error_says_what_the_session_has_cost() -> None:
    world = ledger_world(LOOP_LIMIT="3").script("a/one", answer())
    for _ in range(2):
        await ask(world, circle(1), x_session_id="s")

    got = await ask(world, circle(3), x_session_id="s")
    other = await ask(world, circle(3), x_session_id="another")

    assert got.error["message"].endswith("This session has cost $0.000042 here.")
    assert got.error["metadata"]["session_usd"] == 0.000_042
    assert other.error["metadata"]["session_usd"] == 0


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("read_file", "read_file"),
        ("mcp__x-y.z:w", "mcp__x-y.z:w"),
        ("a" * 1_000, "a" * 64),
        ("a`\n<b>c", "a_b_c"),
        ("é", "_"),
        ("", "?"),
    ],
)
async def test_a_functions_name_is_cleaned(name: str, shown: str) -> None:
    assert shown_name(name) == shown


async def test_escapes_do_not_hide_a_circle() -> None:
    raw = json.dumps(circle(3)).replace("tool_calls", "tool\\u005fcalls").encode()

    assert (await ask(World({"LOOP_LIMIT": "3"}), raw)).status == 422


async def test_in_a_large_body_arguments_are_compared_as_they_are() -> None:
    world = World({"LOOP_LIMIT": "2"})
    turns = [transcript(1)[1:] for _ in range(2)]
    for (call, _), word in zip(turns, ("\u4e2d", "\u4e2e"), strict=True):
        call["tool_calls"][0]["function"]["arguments"] = json.dumps({"word": word})
    filler = {"role": "user", "content": "\u4e2d" + "x" * 2_000_000}
    body = chat("a/one") | {"messages": [filler, *turns[0], *turns[1]]}
    same = chat("a/one") | {"messages": [filler, *turns[0], *turns[0]]}

    assert (await ask(world, body)).status == 200
    assert (await ask(world, same)).status == 422


async def test_a_refused_circle_is_no_request_of_the_ledger() -> None:
    world = ledger_world(LOOP_LIMIT="3")

    await ask(world, circle(3))

    assert world.background == []


@pytest.mark.parametrize("value", ["-1", "1001", "x"])
async def test_a_wrong_setting_is_named(value: str) -> None:
    assert (await ask(World({"LOOP_LIMIT": value}), circle(1))).error["param"] == "LOOP_LIMIT"
