import json

import httpx
import pytest

from tests.simulator.rig import KEY, MESSAGES, Rig, data_of, fresh_user, named_events_of


def _types(events: list[dict[str, object]]) -> list[object]:
    return [event["type"] for event in events]


def _deltas(events: list[dict[str, object]], kind: str) -> list[str]:
    deltas = [event["delta"] for event in events if event["type"] == "content_block_delta"]
    fields = {"text_delta": "text", "thinking_delta": "thinking", "input_json_delta": "partial_json"}
    return [str(delta[fields[kind]]) for delta in deltas if isinstance(delta, dict) and delta["type"] == kind]


def _events(sim: Rig, model: str, **more: object) -> list[dict[str, object]]:
    return named_events_of(sim.messages(model, stream=True, **more).text)


def test_a_stream_of_messages_has_anthropics_events_in_order(sim: Rig) -> None:
    events = _events(sim, "sim/ok")
    assert _types(events) == [
        *("message_start", "content_block_start", "ping"),
        *["content_block_delta"] * 5,
        *("content_block_stop", "message_delta", "message_stop"),
    ]
    assert "".join(_deltas(events, "text_delta")) == "Canberra is the capital of Australia."
    message = events[0]["message"]
    assert isinstance(message, dict)
    assert message["usage"]["input_tokens"] > 0
    assert (message["content"], message["stop_reason"]) == ([], None)


def test_a_tool_call_is_a_block_whose_input_comes_in_pieces(sim: Rig) -> None:
    tools = [{"name": "look_up", "input_schema": {"type": "object"}}]
    plain = sim.messages("sim/tools", tools=tools).json()
    [block] = plain["content"]
    assert (block["type"], block["name"], block["input"]) == ("tool_use", "look_up", {"city": "Oslo"})
    assert plain["stop_reason"] == "tool_use"
    pieces = _deltas(_events(sim, "sim/tools", tools=tools), "input_json_delta")
    assert len(pieces) > 2
    assert json.loads("".join(pieces)) == block["input"]
    result = {"type": "tool_result", "tool_use_id": block["id"], "content": "rain"}
    after = [*MESSAGES, {"role": "assistant", "content": [block]}, {"role": "user", "content": [result]}]
    assert sim.messages("sim/tools", messages=after).json()["content"][0]["type"] == "text"


def test_reasoning_is_a_signed_thinking_block_before_the_text(sim: Rig) -> None:
    thinking, text = sim.messages("sim/reasoning").json()["content"]
    assert (thinking["type"], text["type"]) == ("thinking", "text")
    assert thinking["signature"].startswith("signed-by:sim/reasoning:")
    events = _events(sim, "sim/reasoning")
    assert "".join(_deltas(events, "thinking_delta")) == thinking["thinking"]
    assert {"type": "signature_delta", "signature": thinking["signature"]} in [
        event.get("delta") for event in events
    ]


@pytest.mark.parametrize(
    ("status", "kind", "error_type"),
    [
        (400, "invalid_request_error", "invalid_request"),
        (401, "authentication_error", "authentication"),
        (402, "billing_error", "payment_required"),
        (403, "permission_error", "permission_denied"),
        (404, "not_found_error", "not_found"),
        (408, "timeout_error", "timeout"),
        (413, "request_too_large", "payload_too_large"),
        (429, "rate_limit_error", "rate_limit_exceeded"),
        (500, "api_error", "server"),
        (502, "api_error", "provider_unavailable"),
        (503, "overloaded_error", "provider_overloaded"),
        (504, "timeout_error", "timeout"),
        (529, "overloaded_error", "provider_overloaded"),
    ],
)
def test_a_status_comes_in_anthropics_envelope(sim: Rig, status: int, kind: str, error_type: str) -> None:
    answer = sim.messages(f"sim/status-{status}")
    body = answer.json()
    assert (answer.status_code, body["type"]) == (status, "error")
    assert (body["error"]["type"], body["error"]["error_type"]) == (kind, error_type)
    assert body["request_id"].startswith("gen-")


def test_a_rate_limit_says_when_to_come_back(sim: Rig) -> None:
    answer = sim.messages("sim/retry-after-9")
    assert (answer.status_code, answer.headers["retry-after"]) == (429, "9")
    assert "temporarily rate-limited" in answer.json()["error"]["message"]


@pytest.mark.parametrize("model", ["sim/error-mid", "sim/error-mid-string", "sim/rate-limit-mid"])
def test_an_error_in_mid_stream_is_an_error_event_after_text(sim: Rig, model: str) -> None:
    events = _events(sim, model)
    assert len(_deltas(events, "text_delta")) == 3
    assert events[-1]["type"] == "error"
    assert "request_id" not in events[-1]


@pytest.mark.parametrize("model", ["sim/error-first", "sim/rate-limit-first", "sim/error-string"])
def test_an_error_can_be_the_first_event_or_the_whole_body(sim: Rig, model: str) -> None:
    assert _types(_events(sim, model)) == ["error"]
    plain = sim.messages(model)
    assert (plain.status_code, plain.json()["type"]) == (200, "error")


def test_endings_have_anthropics_reasons(sim: Rig) -> None:
    length = sim.messages("sim/length").json()
    assert (length["stop_reason"], [block["type"] for block in length["content"]]) == (
        "max_tokens",
        ["thinking"],
    )
    empty = sim.messages("sim/empty").json()
    assert (empty["content"], empty["stop_reason"]) == ([], "end_turn")
    filtered = sim.messages("sim/filtered").json()
    assert (filtered["content"], filtered["stop_reason"]) == ([], "refusal")
    assert filtered["stop_details"]["type"] == "refusal"
    hollow = sim.messages("sim/choices-empty").json()
    assert (hollow["content"], hollow["stop_reason"]) == ([], None)


def test_a_stream_can_end_before_its_block_or_its_message_does(sim: Rig) -> None:
    assert _types(_events(sim, "sim/cut-after"))[-1] == "content_block_delta"
    assert _types(_events(sim, "sim/no-done"))[-1] == "message_delta"
    assert _types(_events(sim, "sim/done-only")) == ["message_stop"]


def test_a_key_is_taken_from_either_header(sim: Rig) -> None:
    body = sim.body("sim/ok", fresh_user())
    url = f"{sim.url}/messages"
    assert httpx.post(url, json=body, headers={"x-api-key": "sk-or-test"}).status_code == 200
    assert httpx.post(url, json=body, headers=KEY).status_code == 200
    for headers in ({}, {"x-api-key": "sk-1"}, {"Authorization": "sk-or-test"}):
        refused = httpx.post(url, json=body, headers=headers)
        assert (refused.status_code, refused.json()["error"]["type"]) == (401, "authentication_error")


@pytest.mark.parametrize(
    "body",
    [
        {"model": "sim/ok"},
        {"model": "sim/ok", "prompt": "Hello"},
        {"model": "sim/ok", "messages": []},
        {"model": "sim/nothing", "messages": MESSAGES},
        {"models": ["sim/ok"] * 4, "messages": MESSAGES},
        {"model": "sim/ok", "fallbacks": [{"model": "sim/ok"}] * 4, "messages": MESSAGES},
        {
            "model": "sim/ok",
            "models": ["sim/ok"],
            "fallbacks": [{"model": "sim/json"}],
            "messages": MESSAGES,
        },
    ],
)
def test_an_invalid_message_request_is_refused_in_anthropics_envelope(
    sim: Rig, body: dict[str, object]
) -> None:
    answer = sim.client.post(f"{sim.url}/messages", json=body)
    assert (answer.status_code, answer.json()["error"]["type"]) == (400, "invalid_request_error")


@pytest.mark.parametrize("model", ["sim/crlf", "sim/cr", "sim/multi-line", "sim/bom"])
def test_a_stream_of_messages_in_rare_framing_has_the_usual_events(sim: Rig, model: str) -> None:
    def events(model: str) -> list[dict[str, object]]:
        text = sim.messages(model, stream=True).content.decode()
        return [json.loads(data) for data in data_of(text)]

    assert events(model)[1:-2] == events("sim/ok")[1:-2]


@pytest.mark.parametrize("model", ["sim/ok-02-tools-reasoning", "sim/err-429-upstream-pool"])
def test_what_was_recorded_is_chats_in_every_dialect(sim: Rig, model: str) -> None:
    recorded = sim.messages(model).json()
    assert "type" not in recorded
    assert "choices" in recorded or recorded["error"]["code"] == 429


def test_a_prefill_is_continued(sim: Rig) -> None:
    begun = [*MESSAGES, {"role": "assistant", "content": [{"type": "text", "text": "Canberra is"}]}]
    answer = sim.messages("sim/continues", messages=begun).json()
    assert answer["content"][0]["text"] == " the capital of Australia."
    refused = sim.messages("sim/refuses-prefill", messages=begun)
    assert refused.json()["error"]["message"] == "This model does not support assistant message prefill."


def test_tokens_cannot_be_counted_as_at_openrouter(sim: Rig) -> None:
    answer = sim.client.post(f"{sim.url}/messages/count_tokens", json=sim.body("sim/ok", fresh_user()))
    assert answer.status_code == 404


def test_the_log_and_the_counts_go_by_anthropics_user_id_too(sim: Rig) -> None:
    user = fresh_user()
    body = {"model": "sim/status-529-once", "messages": MESSAGES, "metadata": {"user_id": user}}
    statuses = [sim.client.post(f"{sim.url}/messages", json=body).status_code for _ in range(3)]
    assert statuses == [529, 200, 200]
    assert [entry["path"] for entry in sim.log(user)] == ["/api/v1/messages"] * 3
