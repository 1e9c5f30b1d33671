"""Tests which Responses requests are taken, what they require, and how plain answers are judged."""

import json

import pytest

from gateway.dialects.model_request import ModelRequest
from gateway.dialects.responses.parse import parse
from tests.support.responses import call, ended_response, message
from tests.support.upstream import reply
from tests.support.world import TOKEN, Answer, World, finish

pytestmark = pytest.mark.anyio


async def ask(world: World, *models: str, headers: dict[str, str] | None = None, **given: object) -> Answer:
    body: dict[str, object] = {"input": "Hi", "models": list(models), **given}
    sent = {"authorization": f"Bearer {TOKEN}", **(headers or {})}
    return await finish(await world.begin(body, path="/v1/responses", headers=sent))


def plain(*items: object, status: str = "completed", **fields: object) -> bytes:
    return json.dumps({**ended_response(status, *items), **fields}).encode()


def parsed(**body: object) -> ModelRequest:
    return parse(json.dumps({"input": "Hi", **body}).encode())


REFUSED: dict[str, dict[str, object]] = {
    "store": {"store": True},
    "previous_response_id": {"previous_response_id": "resp_1"},
    "conversation": {"conversation": "conv_1"},
    "background": {"background": True},
    "input": {"input": []},
    "input[1]": {"input": [{"role": "user", "content": "x"}, 1]},
    "max_output_tokens": {"max_output_tokens": "9"},
    "text": {"text": "json"},
    "models[0]": {"models": ["a b"]},
}


@pytest.mark.parametrize("field", REFUSED)
async def test_a_field_that_cannot_be_served_is_named_and_nothing_is_called(field: str) -> None:
    world = World()

    answer = await finish(
        await world.begin(
            {"input": "Hi", **REFUSED[field]},
            path="/v1/responses",
            headers={"authorization": f"Bearer {TOKEN}"},
        )
    )

    assert (answer.status, answer.error["param"]) == (400, field)
    assert not world.upstream.received


@pytest.mark.parametrize(
    "harmless", [{"store": False}, {"background": False}, {"previous_response_id": None}]
)
async def test_a_field_that_stores_nothing_passes(harmless: dict[str, object]) -> None:
    world = World().script("a/one", reply(200, plain(message("Hello."))))

    body = {"input": "Hi", "models": ["a/one"], **harmless}
    answer = await finish(await world.begin(body, path="/v1/responses"))

    assert answer.status == 200
    assert harmless.items() <= world.upstream.received[0].body.items()


FAILED = {
    "status failed": plain(status="failed", error={"code": "server_error", "message": "x"}),
    "no output": plain(),
    "an empty message": plain(message("")),
    "only reasoning": plain({"type": "reasoning", "summary": [{"type": "summary_text", "text": "Hm"}]}),
    "no status": plain(message("Hello."), status=""),
    "still in progress": plain(message("Hello."), status="in_progress"),
    "an error at the top": b'{"error": {"code": 502, "message": "x"}}',
    "a chat": b'{"object": "chat.completion", "choices": [{"message": {"content": "x"}}]}',
    "a list": b"[]",
    "no JSON": b"<html>",
}


@pytest.mark.parametrize("case", FAILED)
async def test_a_failed_answer_is_followed_by_the_next_model(case: str) -> None:
    world = (
        World().script("a/one", reply(200, FAILED[case])).script("b/two", reply(200, plain(message("Two."))))
    )

    answer = await ask(world, "a/one", "b/two", gateway={"retries": 0})

    assert answer.receipt["served"] == "b/two"


USABLE = {
    "a call": plain(call()),
    "a custom call": plain({"type": "custom_tool_call", "name": "x", "input": ""}),
    "a refusal": plain({"type": "message", "content": [{"type": "refusal", "refusal": "No."}]}),
    "an image": plain({"type": "image_generation_call", "result": "aGk="}),
    "cut off by a limit after reasoning": plain(
        {"type": "reasoning", "summary": []},
        status="incomplete",
        incomplete_details={"reason": "max_output_tokens"},
    ),
}


@pytest.mark.parametrize("case", USABLE)
async def test_an_answer_without_a_text_can_be_one(case: str) -> None:
    world = World().script("a/one", reply(200, USABLE[case]))

    answer = await ask(world, "a/one", "b/two")

    assert answer.receipt["served"] == "a/one"


def test_the_requirements_are_read_from_the_fields_of_responses() -> None:
    read = parsed(
        tools=[{"type": "function", "name": "x"}, {"type": "web_search"}],
        text={"format": {"type": "json_schema", "schema": {"type": "object"}}},
        reasoning={"effort": "high"},
        max_output_tokens=50,
        provider={"require_parameters": True},
        input=[
            {"role": "user", "content": [{"type": "input_image", "image_url": "data:image/png;base64,aGk="}]}
        ],
    )

    needed = read.requirements
    assert (read.max_tokens, read.wants_json, read.json_root) == (50, True, "object")
    assert needed.tools
    assert needed.has_fees
    assert needed.extras == {"web_search", "web"}
    assert needed.inputs == {"image"}
    assert needed.reasoning is True
    assert set(needed.parameters) == {"max_tokens", "tools", "reasoning", "response_format"}


def test_a_file_in_a_tools_output_counts_as_a_file() -> None:
    part = {"type": "input_file", "file_data": "data:application/pdf;base64,aGk="}

    read = parsed(input=[{"type": "function_call_output", "call_id": "c", "output": [part]}])

    assert read.requirements.inputs == {"file"}


async def test_encrypted_reasoning_is_left_out_for_a_model_that_refused_it() -> None:
    refused = json.dumps({"error": {"code": 400, "message": "invalid_encrypted_content"}}).encode()
    world = World().script("a/one", reply(400, refused), reply(200, plain(message("Hello."))))
    reasoning = {"type": "reasoning", "summary": [], "encrypted_content": "gAAAsecret"}
    asked = [
        {"role": "user", "content": "x"},
        reasoning,
        message("Earlier."),
        {"role": "user", "content": "y"},
    ]

    answer = await ask(world, "a/one", input=asked)

    assert answer.status == 200
    first, second = [each.body["input"] for each in world.upstream.received]
    assert first == asked
    assert second == [asked[0], asked[2], asked[3]]
    assert answer.receipt["attempts"][-1]["signed_parts_removed"] == 1
