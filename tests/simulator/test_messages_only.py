"""What only Anthropic Messages has: its own endings, blocks, and events out of order."""

from typing import Any

import pytest

from tests.simulator.rig import Rig, chunks_of, content_of, fresh_user, named_events_of

TOOLS = [{"name": "Bash", "input_schema": {"type": "object"}}]
SAFEGUARDS = [{"type": "dangerous_tool_use", "classifier_context": {}}]


def _events(sim: Rig, model: str, **more: object) -> list[dict[str, Any]]:
    return named_events_of(sim.messages(model, stream=True, **more).text)


def _types(events: list[dict[str, Any]]) -> list[str]:
    return [event["type"] for event in events]


def _usual(sim: Rig) -> list[str]:
    return _types(_events(sim, "sim/ok"))


@pytest.mark.parametrize(
    ("model", "blocks", "stop_reason"),
    [
        ("sim/pause-turn", ["server_tool_use"], "pause_turn"),
        ("sim/server-tool", ["server_tool_use", "web_search_tool_result", "text"], "end_turn"),
        ("sim/compaction", ["compaction"], "compaction"),
        ("sim/context-exceeded", ["text"], "model_context_window_exceeded"),
        ("sim/encrypts-alpha", ["redacted_thinking", "text"], "end_turn"),
        ("sim/refusal", ["text"], "end_turn"),
        ("sim/filtered-later", ["text"], "refusal"),
        ("sim/withheld-10ms", ["thinking", "text"], "end_turn"),
    ],
)
def test_blocks_and_stop_reasons_are_the_same_plain_and_streamed(
    sim: Rig, model: str, blocks: list[str], stop_reason: str
) -> None:
    plain = sim.messages(model).json()
    assert ([block["type"] for block in plain["content"]], plain["stop_reason"]) == (blocks, stop_reason)
    events = _events(sim, model)
    started = [event["content_block"]["type"] for event in events if event["type"] == "content_block_start"]
    assert (started, events[-2]["delta"]["stop_reason"]) == (blocks, stop_reason)
    assert events[-2]["usage"] == plain["usage"]


def test_withheld_thinking_is_pings_and_then_its_signature(sim: Rig) -> None:
    events = _events(sim, "sim/withheld-500ms")
    assert _types(events)[1:6] == ["content_block_start", *["ping"] * 3, "content_block_delta"]
    assert events[5]["delta"]["type"] == "signature_delta"


def test_pings_follow_each_event(sim: Rig) -> None:
    assert _types(_events(sim, "sim/pings"))[1::2] == ["ping"] * (len(_usual(sim)) - 1)


def test_done_comes_with_or_without_a_name_after_the_last_event(sim: Rig) -> None:
    stop = 'data: {"type":"message_stop"}\n\n'
    named = sim.messages("sim/done-named", stream=True).text
    unnamed = sim.messages("sim/done-unnamed", stream=True).text
    assert named.endswith(stop + "event: data\ndata: [DONE]\n\n")
    assert unnamed.endswith(stop + "data: [DONE]\n\n")


def test_events_can_be_out_of_order(sim: Rig) -> None:
    assert _types(_events(sim, "sim/second-start")).count("message_start") == 2
    deltas = [e for e in _events(sim, "sim/stray-delta") if e["type"] == "content_block_delta"]
    assert {event["index"] for event in deltas} == {0, 7}
    assert _types(_events(sim, "sim/second-stop"))[-4:-2] == ["content_block_stop"] * 2


@pytest.mark.parametrize("stream", [False, True])
def test_a_cost_that_is_not_stated_can_be_asked_for(sim: Rig, stream: bool) -> None:
    answer = sim.messages("sim/no-cost", stream=stream)
    assert '"cost"' not in answer.text
    generation = sim.get(f"/api/v1/generation?id={answer.headers['x-generation-id']}")["data"]
    assert generation["total_cost"] > 0


def test_a_cached_prompt_is_no_part_of_the_input_tokens(sim: Rig) -> None:
    whole, cached = (sim.messages(f"sim/{name}").json()["usage"] for name in ("ok", "cached"))
    assert cached["cache_read_input_tokens"] > 0
    assert cached["input_tokens"] + cached["cache_read_input_tokens"] == whole["input_tokens"]
    chat = sim.chat("sim/cached").json()["usage"]
    assert chat["prompt_tokens"] == whole["input_tokens"]
    assert chat["prompt_tokens_details"]["cached_tokens"] == cached["cache_read_input_tokens"]


@pytest.mark.parametrize(
    ("model", "last"),
    [
        ("sim/cut-after-block", "content_block_stop"),
        ("sim/error-after-block", "error"),
        ("sim/error-before-block", "error"),
        ("sim/tools-cut", "content_block_delta"),
    ],
)
def test_a_stream_can_break_at_the_border_of_a_block(sim: Rig, model: str, last: str) -> None:
    types = _types(_events(sim, model))
    assert types[-1] == last
    assert ("content_block_stop" in types) == ("after-block" in model)
    assert "message_delta" not in types


def test_the_routers_errors_can_come_in_chats_envelope(sim: Rig) -> None:
    answer = sim.messages("sim/chat-envelope-400")
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, 400)
    assert "type" not in answer.json()


@pytest.mark.parametrize("model", ["sim/tools", "sim/tools-flagged", "sim/tools-unjudged"])
@pytest.mark.parametrize("stream", [False, True])
def test_each_tool_call_has_a_verdict_only_if_the_request_has_safeguards(
    sim: Rig, model: str, stream: bool
) -> None:
    def ending(**more: object) -> dict[str, Any]:
        answer = sim.messages(model, stream=stream, tools=TOOLS, **more)
        return dict(named_events_of(answer.text)[-2]["delta"] if stream else answer.json())

    assert "safeguard_results" not in ending()
    results = ending(safeguards=SAFEGUARDS).get("safeguard_results")
    if model == "sim/tools-unjudged":
        assert results is None
        return
    assert results is not None
    [result] = results
    [verdict] = result["status"]["tool_uses"].values()
    assert (result["type"], verdict["type"]) == ("dangerous_tool_use", "evaluated")
    assert verdict["outcome"] == ("flagged" if model == "sim/tools-flagged" else "not_flagged")


def test_half_of_a_tools_arguments_are_an_empty_input(sim: Rig) -> None:
    plain = sim.messages("sim/tools-half").json()
    assert (plain["content"][0]["input"], plain["stop_reason"]) == ({}, "max_tokens")
    call = sim.chat("sim/tools-half").json()["choices"][0]["message"]["tool_calls"][0]
    assert call["function"]["arguments"] == '{"city":"Os'


@pytest.mark.parametrize("model", ["sim/pings", "sim/second-start", "sim/compaction", "sim/pause-turn"])
def test_chat_knows_nothing_of_them(sim: Rig, model: str) -> None:
    text = content_of(chunks_of(sim.chat(model, stream=True).text))
    assert text == "Canberra is the capital of Australia."


def test_a_stream_that_breaks_costs_nothing(sim: Rig) -> None:
    user = fresh_user()
    sim.messages("sim/error-after-block", user, stream=True)
    assert sim.one(user)["cost_usd"] == 0
