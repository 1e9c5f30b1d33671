"""What Messages answers say beside the model's own answer: the requested model's name, missing verdicts."""

import json
from typing import Any

import pytest

from tests.support.speech import MESSAGES, named_event
from tests.support.upstream import Act, reply, stream
from tests.support.world import Answer, World, finish

pytestmark = [pytest.mark.anyio, pytest.mark.parametrize("streams", [False, True], ids=["plain", "stream"])]
CALL = {"type": "tool_use", "id": "toolu_1", "name": "Bash", "input": {}}
SAFEGUARDS = [{"type": "dangerous_tool_use", "classifier_context": {"x": 1}}]
VERDICTS = [
    {
        "type": "dangerous_tool_use",
        "status": {
            "type": "available",
            "tool_uses": {"toolu_1": {"type": "evaluated", "outcome": "not_flagged"}},
        },
    }
]


def calls(*, streams: bool, verdicts: object = None) -> Act:
    """Return an act: an answer with one call, and with these verdicts."""
    results = {} if verdicts is None else {"safeguard_results": verdicts}
    if not streams:
        message = {**MESSAGES.plain(""), "content": [CALL], "stop_reason": "tool_use", **results}
        return reply(200, json.dumps(message).encode())
    partial = {"type": "input_json_delta", "partial_json": "{}"}
    return stream(
        MESSAGES.opening[0],
        named_event({"type": "content_block_start", "index": 0, "content_block": CALL}),
        named_event({"type": "content_block_delta", "index": 0, "delta": partial}),
        named_event({"type": "content_block_stop", "index": 0}),
        named_event(
            {
                "type": "message_delta",
                "delta": {"stop_reason": "tool_use", "stop_sequence": None, **results},
                "usage": {"output_tokens": 2},
            }
        ),
        named_event({"type": "message_stop"}),
    )


def results_in(answer: Answer, *, streams: bool) -> Any:  # noqa: ANN401  # JSON of any kind
    if not streams:
        return answer.json.get("safeguard_results")
    (end,) = [each for each in answer.events if each["type"] == "message_delta"]
    return end["delta"].get("safeguard_results")


def model_in(answer: Answer, *, streams: bool) -> object:
    return answer.events[0]["message"]["model"] if streams else answer.json["model"]


async def ask(act: Act, *, streams: bool, **fields: object) -> Answer:
    body = MESSAGES.body("a/one", stream=streams, **fields)
    return await finish(await World().script("a/one", act).begin(body, path=MESSAGES.path))


async def test_verdicts_of_the_upstream_pass_untouched(*, streams: bool) -> None:
    answer = await ask(calls(streams=streams, verdicts=VERDICTS), streams=streams, safeguards=SAFEGUARDS)

    assert results_in(answer, streams=streams) == VERDICTS
    assert "notes" not in answer.receipt


async def test_an_answer_without_verdicts_says_so_and_why(*, streams: bool) -> None:
    answer = await ask(calls(streams=streams), streams=streams, safeguards=SAFEGUARDS)

    (result,) = results_in(answer, streams=streams)
    assert result["type"] == "dangerous_tool_use"
    assert result["status"]["type"] == "unsupported"
    assert "a/one" in result["status"]["reason"]
    assert answer.receipt["notes"] == [result["status"]["reason"]]


async def test_nothing_is_said_of_verdicts_that_nobody_asked_for(*, streams: bool) -> None:
    answer = await ask(calls(streams=streams), streams=streams)

    assert results_in(answer, streams=streams) is None


async def test_an_answer_without_calls_needs_no_verdicts(*, streams: bool) -> None:
    act = MESSAGES.streams("Hi") if streams else MESSAGES.answers("Hi")

    answer = await ask(act, streams=streams, safeguards=SAFEGUARDS)

    assert results_in(answer, streams=streams) is None


async def test_an_answer_states_the_model_that_served_it(*, streams: bool) -> None:
    act = MESSAGES.streams("Hi") if streams else MESSAGES.answers("Hi")

    assert model_in(await ask(act, streams=streams), streams=streams) == "served/one"


async def test_an_answer_states_the_requested_model_if_the_caller_asks_for_that(*, streams: bool) -> None:
    act = MESSAGES.streams("Hi") if streams else MESSAGES.answers("Hi")

    answer = await ask(act, streams=streams, gateway={"show_model": "requested"})

    assert model_in(answer, streams=streams) == "a/one"
    assert answer.headers["x-gateway-model"] == "a/one"
