"""OpenAI's Responses, as OpenRouter speaks it."""

import json
from typing import Any

import pytest

from tests.simulator.responses_reader import (
    DONE,
    TERMINAL,
    Event,
    checked_response,
    responses_events_of,
    types_of,
)
from tests.simulator.rig import MESSAGES, Rig, data_of, fresh_user

ENCRYPTED = {"include": ["reasoning.encrypted_content"]}
FUNCTION = {"type": "function", "name": "look_up", "parameters": {"type": "object"}}


def _plain(sim: Rig, model: str, **more: object) -> Event:
    body: Event = sim.ask("/responses", model, **more).json()
    return body


def _events(sim: Rig, model: str, **more: object) -> list[Event]:
    return responses_events_of(sim.ask("/responses", model, stream=True, **more).text)


def _deltas(events: list[Event], name: str) -> list[str]:
    return [event["delta"] for event in events if event["type"] == f"response.{name}.delta"]


def test_a_stream_of_responses_has_openais_events_in_order(sim: Rig) -> None:
    text = sim.ask("/responses", "sim/ok", stream=True).text
    events = responses_events_of(text)
    assert text.endswith(DONE)
    assert types_of(events) == [
        *("response.created", "response.in_progress"),
        *("response.output_item.added", "response.content_part.added"),
        *["response.output_text.delta"] * 5,
        *("response.output_text.done", "response.content_part.done", "response.output_item.done"),
        "response.completed",
    ]
    assert "".join(_deltas(events, "output_text")) == "Canberra is the capital of Australia."


@pytest.mark.parametrize(
    ("model", "items", "status"),
    [
        ("sim/reasoning", ["reasoning", "message"], "completed"),
        ("sim/tools", ["function_call"], "completed"),
        ("sim/refusal", ["message"], "completed"),
        ("sim/image", ["message", "image_generation_call"], "completed"),
        ("sim/length", ["reasoning"], "incomplete"),
        ("sim/reasoning-only", ["reasoning"], "completed"),
        ("sim/filtered", [], "incomplete"),
        ("sim/filtered-later", ["message"], "incomplete"),
        ("sim/empty", [], "completed"),
        ("sim/encrypts-alpha", ["reasoning", "message"], "completed"),
        ("sim/withheld-10ms", ["reasoning", "message"], "completed"),
    ],
)
def test_items_status_and_usage_are_the_same_plain_and_streamed(
    sim: Rig, model: str, items: list[str], status: str
) -> None:
    plain = _plain(sim, model, **ENCRYPTED)
    streamed = checked_response(_events(sim, model, **ENCRYPTED))
    assert ([item["type"] for item in plain["output"]], plain["status"]) == (items, status)
    assert ([item["type"] for item in streamed["output"]], streamed["status"]) == (items, status)
    assert plain["usage"] == streamed["usage"]


def test_an_incomplete_response_says_why(sim: Rig) -> None:
    reasons = {
        name: _plain(sim, f"sim/{name}")["incomplete_details"] for name in ("length", "filtered", "ok")
    }
    assert reasons == {
        "length": {"reason": "max_output_tokens"},
        "filtered": {"reason": "content_filter"},
        "ok": None,
    }


def test_the_last_item_of_an_incomplete_response_is_incomplete(sim: Rig) -> None:
    for response in (_plain(sim, "sim/tools-half"), checked_response(_events(sim, "sim/tools-half"))):
        assert (response["status"], response["output"][-1]["status"]) == ("incomplete", "incomplete")


def test_a_call_of_a_function_comes_in_pieces(sim: Rig) -> None:
    events = _events(sim, "sim/tools", tools=[FUNCTION])
    [call] = checked_response(events)["output"]
    assert (call["name"], json.loads(call["arguments"])) == ("look_up", {"city": "Oslo"})
    assert len(_deltas(events, "function_call_arguments")) == 3
    result = {"type": "function_call_output", "call_id": call["call_id"], "output": "rain"}
    after = _plain(sim, "sim/tools", tools=[FUNCTION], input=[*MESSAGES, call, result])
    assert [item["type"] for item in after["output"]] == ["message"]


def test_a_call_of_a_custom_tool_has_an_input_instead_of_arguments(sim: Rig) -> None:
    tools = [{"type": "custom", "name": "apply_patch", "format": {"type": "text"}}]
    events = _events(sim, "sim/tools", tools=tools)
    [call] = checked_response(events)["output"]
    assert (call["type"], call["name"], "arguments" in call) == ("custom_tool_call", "apply_patch", False)
    assert "".join(_deltas(events, "custom_tool_call_input")) == call["input"]
    result = {"type": "custom_tool_call_output", "call_id": call["call_id"], "output": "done"}
    after = _plain(sim, "sim/tools", tools=tools, input=[*MESSAGES, call, result])
    assert [item["type"] for item in after["output"]] == ["message"]


def test_reasoning_is_encrypted_only_if_the_request_includes_it(sim: Rig) -> None:
    plain, sealed = _plain(sim, "sim/reasoning"), _plain(sim, "sim/reasoning", **ENCRYPTED)
    assert "encrypted_content" not in plain["output"][0]
    assert sealed["output"][0]["encrypted_content"].startswith("signed-by:sim/reasoning:")
    assert plain["output"][0]["summary"] == sealed["output"][0]["summary"] != []


def test_usage_has_openais_names_and_the_cost(sim: Rig) -> None:
    whole, cached = _plain(sim, "sim/ok")["usage"], _plain(sim, "sim/cached")["usage"]
    assert whole["total_tokens"] == whole["input_tokens"] + whole["output_tokens"]
    assert cached["input_tokens"] == whole["input_tokens"]
    assert cached["input_tokens_details"]["cached_tokens"] > 0
    details = whole["cost_details"]
    parts = details["upstream_inference_input_cost"] + details["upstream_inference_output_cost"]
    assert parts == pytest.approx(whole["cost"])
    assert _plain(sim, "sim/reasoning")["usage"]["output_tokens_details"]["reasoning_tokens"] > 0
    chat = sim.chat("sim/ok").json()["usage"]
    assert (chat["prompt_tokens"], chat["cost"]) == (whole["input_tokens"], whole["cost"])


@pytest.mark.parametrize("stream", [False, True])
def test_a_status_comes_in_chats_envelope(sim: Rig, stream: bool) -> None:
    for status in (400, 401, 402, 403, 404, 408, 413, 429, 500, 502, 503, 504, 529):
        answer = sim.ask("/responses", f"sim/status-{status}", stream=stream)
        assert (answer.status_code, answer.json()["error"]["code"]) == (status, status)


@pytest.mark.parametrize(
    ("model", "code", "error_type"),
    [
        ("sim/error-mid", "server_error", "provider_overloaded"),
        ("sim/rate-limit-mid", "rate_limit_exceeded", "rate_limit_exceeded"),
    ],
)
def test_an_error_in_mid_stream_is_a_failed_response(
    sim: Rig, model: str, code: str, error_type: str
) -> None:
    events = _events(sim, model)
    assert len(_deltas(events, "output_text")) == 3
    assert events[-1]["type"] == "response.failed"
    response = events[-1]["response"]
    assert (response["status"], response["error"]["code"]) == ("failed", code)
    assert (response["error_type"], response["usage"]) == (error_type, None)


@pytest.mark.parametrize("model", ["sim/error-mid-string", "sim/error-mid-nocode"])
def test_an_error_in_mid_stream_can_be_an_error_event(sim: Rig, model: str) -> None:
    events = _events(sim, model)
    assert len(_deltas(events, "output_text")) == 3
    assert (events[-1]["type"], bool(events[-1]["error"])) == ("error", True)


@pytest.mark.parametrize("model", ["sim/error-first", "sim/rate-limit-first", "sim/error-string"])
def test_an_error_can_be_the_first_event_or_the_whole_body(sim: Rig, model: str) -> None:
    assert types_of(_events(sim, model)) == ["error"]
    plain = sim.ask("/responses", model)
    assert (plain.status_code, next(iter(plain.json()))) == (200, "error")


def test_a_failed_200_has_its_forms(sim: Rig) -> None:
    hollow, broken = _plain(sim, "sim/choices-empty"), _plain(sim, "sim/choice-error")
    assert (hollow["output"], hollow["status"]) == ([], None)
    assert (broken["status"], broken["error"]["code"]) == ("failed", "server_error")
    assert types_of(_events(sim, "sim/choices-empty")) == ["response.created", "response.in_progress"]
    assert types_of(_events(sim, "sim/choice-error"))[-1] == "response.failed"


@pytest.mark.parametrize(
    ("model", "last"),
    [
        ("sim/cut-after", "response.output_text.delta"),
        ("sim/cut-after-block", "response.output_item.done"),
        ("sim/tools-cut", "response.function_call_arguments.delta"),
        ("sim/error-before-block", "response.failed"),
        ("sim/no-done", "response.completed"),
    ],
)
def test_a_stream_can_end_at_any_border(sim: Rig, model: str, last: str) -> None:
    text = sim.ask("/responses", model, stream=True).text
    assert types_of(responses_events_of(text))[-1] == last
    assert DONE not in text


def test_done_alone_is_no_answer(sim: Rig) -> None:
    assert sim.ask("/responses", "sim/done-only", stream=True).text == DONE


@pytest.mark.parametrize("model", ["sim/crlf", "sim/cr", "sim/multi-line", "sim/bom", "sim/one-byte"])
def test_a_stream_in_rare_framing_has_its_events_in_order(sim: Rig, model: str) -> None:
    *events, done = data_of(sim.ask("/responses", model, stream=True).content.decode())
    numbers = [json.loads(event)["sequence_number"] for event in events]
    assert (numbers, done) == (list(range(len(events))), "[DONE]")


@pytest.mark.parametrize("model", ["sim/long-40", "sim/drip-5ms", "sim/late-50ms", "sim/garbage-event"])
def test_the_numbers_rise_by_one_however_long_a_stream_is(sim: Rig, model: str) -> None:
    data = data_of(sim.ask("/responses", model, stream=True).text)
    found = [json.loads(each)["sequence_number"] for each in data if each not in {"[DONE]", "{not json}"}]
    assert found == list(range(len(found)))


@pytest.mark.parametrize(
    ("more", "field"),
    [
        ({"store": True}, "store"),
        ({"previous_response_id": "resp_1"}, "previous_response_id"),
        ({"input": None}, "input"),
        ({"input": []}, "input"),
    ],
)
def test_what_openrouter_does_not_take_is_refused_with_its_field(
    sim: Rig, more: dict[str, Any], field: str
) -> None:
    answer = sim.ask("/responses", "sim/ok", **more)
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "invalid_prompt")
    [issue] = json.loads(answer.json()["metadata"]["raw"])
    assert issue["path"] == [field]
    assert sim.ask("/responses", "sim/ok", store=False, previous_response_id=None).status_code == 200


def test_the_input_can_be_a_text(sim: Rig) -> None:
    assert _plain(sim, "sim/ok", input="Hello")["status"] == "completed"


def test_the_journal_shows_the_body_and_counts_by_codexs_key(sim: Rig) -> None:
    key = fresh_user()
    body = {"model": "sim/status-503-once", "input": "Hello", "prompt_cache_key": key}
    statuses = [sim.client.post(f"{sim.url}/responses", json=body).status_code for _ in range(2)]
    assert statuses == [503, 200]
    assert [entry["body_keys"] for entry in sim.log(key)] == [["model", "input", "prompt_cache_key"]] * 2


def test_each_stream_that_ends_well_ends_once(sim: Rig) -> None:
    for model in ("sim/ok", "sim/reasoning", "sim/tools", "sim/image", "sim/error-mid"):
        assert [kind for kind in types_of(_events(sim, model)) if kind in TERMINAL] == [
            types_of(_events(sim, model))[-1]
        ]


@pytest.mark.parametrize("stream", [False, True])
def test_a_cost_that_is_not_stated_can_be_asked_for(sim: Rig, stream: bool) -> None:
    answer = sim.ask("/responses", "sim/no-cost", stream=stream)
    assert ('"cost"' in answer.text, '"output_tokens"' in answer.text) == (False, True)
    generation = sim.get(f"/api/v1/generation?id={answer.headers['x-generation-id']}")["data"]
    assert generation["total_cost"] > 0
