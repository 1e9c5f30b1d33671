"""OpenAI's Responses over HTTP: answers, streams and errors keep the public rules, and end truthfully."""

import json
from typing import Any

import httpx
import pytest

from tests.support.chat import OK_TEXT
from tests.support.journal import Journal
from tests.support.open_responses import check_response, check_stream
from tests.support.responses import read
from tests.support.runtimes import Gateway

RESPONSES = "/v1/responses"
USER: dict[str, Any] = {"type": "message", "role": "user", "content": "What is the capital of Australia?"}
PICTURE = {"type": "input_image", "image_url": "data:image/png;base64,iVBORw0KGgo="}
WEATHER = {
    "type": "function",
    "name": "get_weather",
    "description": "Get the current weather for a location",
    "parameters": {"type": "object", "properties": {"location": {"type": "string"}}},
}
# What a request asks, and the type of the item that answers it.
ASKED: dict[str, tuple[str, dict[str, Any], str]] = {
    "a text": ("sim/ok", {"input": [USER]}, "message"),
    "instructions": (
        "sim/ok",
        {"input": [{**USER, "role": "system", "content": "Be brief."}, USER]},
        "message",
    ),
    "a tool": ("sim/tools", {"input": [USER], "tools": [WEATHER]}, "function_call"),
    "an image": ("anthropic/claude-haiku-4.5", {"input": [{**USER, "content": [PICTURE]}]}, "message"),
    "turns": (
        "sim/ok",
        {"input": [USER, {**USER, "role": "assistant", "content": "Sydney."}, USER]},
        "message",
    ),
}


def post(
    ours: Gateway,
    journal: Journal,
    *models: str,
    originator: str = "",
    **fields: Any,  # noqa: ANN401  # JSON of any kind
) -> httpx.Response:
    """Return the complete response to a Responses request."""
    body = {"models": list(models), "user": journal.user, "input": "Capital of Australia?", **fields}
    with ours.client() as client:
        return client.post(RESPONSES, json=body, headers={"originator": originator} if originator else {})


def streamed(answer: httpx.Response) -> dict[str, Any]:
    """Return the response with which a stream ends that keeps the rules."""
    assert answer.status_code == 200, answer.text
    return check_stream(read(answer.content.removesuffix(b"data: [DONE]\n\n")))


@pytest.mark.parametrize("case", ASKED)
def test_plain_answers_and_streams_keep_the_public_rules(
    gateway: Gateway, journal: Journal, case: str
) -> None:
    model, fields, kind = ASKED[case]
    plain = post(gateway, journal, model, **fields)
    assert plain.status_code == 200, plain.text

    for response in (plain.json(), streamed(post(gateway, journal, model, stream=True, **fields))):
        check_response(response)
        assert (response["status"], response["output"][-1]["type"]) == ("completed", kind)
        assert response["gateway"]["served"] == model


def test_a_stream_that_is_cut_off_before_its_first_text_is_followed_by_the_next_model(
    gateway: Gateway, journal: Journal
) -> None:
    answer = post(gateway, journal, "sim/failed-before-server_error", "sim/ok", stream=True)

    response = streamed(answer)
    assert response["output"][0]["content"][0]["text"] == OK_TEXT
    assert response["gateway"]["served"] == "sim/ok"


@pytest.mark.parametrize("model", ["sim/cut-after", "sim/no-terminal-open", "sim/error-flat-after"])
def test_a_stream_that_is_cut_off_later_fails(gateway: Gateway, journal: Journal, model: str) -> None:
    response = streamed(post(gateway, journal, model, stream=True))

    assert response["status"] == "failed"


@pytest.mark.parametrize("model", ["sim/no-terminal", "sim/no-terminal-tools"])
def test_a_stream_whose_items_are_done_is_completed(gateway: Gateway, journal: Journal, model: str) -> None:
    response = streamed(post(gateway, journal, model, stream=True, tools=[WEATHER]))

    assert (response["status"], response["usage"]) == ("completed", None)
    assert any("last event" in note for note in response["gateway"]["notes"])


def test_codex_stops_at_a_chain_without_an_answer(gateway: Gateway, journal: Journal) -> None:
    answer = post(
        gateway, journal, "sim/status-503", stream=True, originator="codex_exec", gateway={"retries": 0}
    )

    assert streamed(answer)["error"]["code"] in ("server_is_overloaded", "rate_limit_exceeded")


def test_other_clients_get_the_status_of_a_chain_without_an_answer(
    gateway: Gateway, journal: Journal
) -> None:
    answer = post(gateway, journal, "sim/status-500", stream=True, gateway={"retries": 0})

    assert (answer.status_code, answer.headers["x-should-retry"]) == (500, "false")
    assert {"type", "code", "message", "param"} <= set(json.loads(answer.content)["error"])
