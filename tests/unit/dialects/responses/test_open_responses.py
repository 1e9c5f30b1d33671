"""Tests that what the gateway writes itself keeps the rules of the public Open Responses specification."""

import json

import pytest

from tests.support import responses
from tests.support.open_responses import RESPONSE, check_response, check_stream
from tests.support.responses import added, call, created, delta, done, part, read
from tests.support.upstream import HANG, RESET, Step, after, fail, stream
from tests.support.world import TOKEN, World, finish
from tests.unit.dialects.responses.test_responses_streams import ask

pytestmark = pytest.mark.anyio
# A response with each member that the specification requires.
BLANK = {name: types[-1]() for name, types in RESPONSE.items()}
BEGUN = created(**{**BLANK, **responses.BEGUN})
ITEM = {**responses.message("Hello."), "status": "completed"}
CALL = {**call(), "status": "completed"}
TEXT: dict[str, object] = {"logprobs": []}


def said() -> tuple[bytes, ...]:
    at = {"output_index": 0, "content_index": 0, "item_id": "msg_1"}
    return (
        added(0, {**ITEM, "content": [], "status": "in_progress"}),
        part(),
        responses.event("response.output_text.delta", delta="Hello.", **at, **TEXT),
        responses.event("response.output_text.done", text="Hello.", **at, **TEXT),
        part("done", "Hello."),
        done(0, ITEM),
    )


def called() -> tuple[bytes, ...]:
    at = {"output_index": 1, "item_id": "fc_1"}
    kind = "response.function_call_arguments"
    return (
        added(1, {**CALL, "arguments": "", "status": "in_progress"}),
        responses.event(f"{kind}.delta", delta=CALL["arguments"], **at),
        responses.event(f"{kind}.done", arguments=CALL["arguments"], **at),
        done(1, CALL),
    )


# Streams without an end of their own, or without a beginning, and the status that the gateway states.
ENDED_HERE: dict[str, tuple[tuple[Step, ...], str]] = {
    "completed": ((BEGUN, *said(), *called()), "completed"),
    "completed without a beginning": ((*said(), *called()), "completed"),
    "cut off": ((BEGUN, *said()[:3]), "failed"),
    "lost": ((BEGUN, *said(), RESET), "failed"),
    "silent": ((BEGUN, *said(), HANG), "failed"),
    "an open item": ((*said(), *called()[:1]), "failed"),
    "no events": ((*said(), b"data: {\n\n"), "failed"),
}


@pytest.mark.parametrize("case", ENDED_HERE)
async def test_a_stream_that_the_gateway_ends_keeps_the_rules(case: str) -> None:
    events, status = ENDED_HERE[case]
    world = World().script("a/one", stream(*events))

    answer = await ask(world, "a/one", gateway={"idle_ms": 1_000})

    assert check_stream(read(answer.body))["status"] == status


@pytest.mark.parametrize("events", [said(), said()[:3]], ids=["completed", "cut off"])
async def test_a_response_that_the_gateway_begins_repeats_the_request(events: tuple[bytes, ...]) -> None:
    tools = [{"type": "function", "name": "read"}]
    world = World().script("a/one", stream(*events))

    answer = await ask(world, "a/one", temperature=0.25, tools=tools)

    first, last = (read(answer.body)[place]["response"] for place in (0, -1))
    assert (first["temperature"], first["tools"]) == (last["temperature"], last["tools"]) == (0.25, tools)


@pytest.mark.parametrize("originator", ["codex_exec", None])
async def test_a_chain_without_an_answer_keeps_the_rules(originator: str | None) -> None:
    world = World().script("a/one", after(3.0, fail(503)))
    body = {"input": "Hi", "model": "a/one", "stream": True, "gateway": {"keepalive_ms": 1_000, "retries": 0}}

    answer = await responses_to(world, body, originator)

    end = check_stream(read(answer))
    assert end["error"]["code"] in ("server_is_overloaded", "server_error")


async def responses_to(world: World, body: dict[str, object], originator: str | None) -> bytes:
    headers = {"authorization": f"Bearer {TOKEN}"} | ({"originator": originator} if originator else {})
    return (await finish(await world.begin(body, path="/v1/responses", headers=headers))).body


async def test_an_error_has_the_members_of_the_specification() -> None:
    answer = await ask(World().script("a/one", fail(400)), "a/one")

    assert {"type", "code", "message", "param"} <= set(json.loads(answer.body)["error"])


def test_a_response_without_a_member_is_found() -> None:
    whole = {**BLANK, "object": "response"}
    check_response(whole)

    for name in RESPONSE:
        with pytest.raises((AssertionError, KeyError)):
            check_response({key: value for key, value in whole.items() if key != name})


def test_a_stream_whose_text_is_lost_is_found() -> None:
    events = (created(), delta("x"))
    with pytest.raises((AssertionError, KeyError)):
        check_stream(read(b"".join(events)))
