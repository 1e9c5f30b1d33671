"""Models that refuse a request for what is in it."""

from typing import Any

import pytest

from tests.simulator.rig import MESSAGES, Rig, named_events_of


def _error(sim: Rig, model: str, **more: object) -> tuple[int, str]:
    answer = sim.messages(model, **more)
    return answer.status_code, answer.json()["error"]["message"] if answer.status_code != 200 else ""


@pytest.mark.parametrize(
    ("model", "field", "words"),
    [
        (
            "sim/rejects-safeguards",
            {"safeguards": [{"type": "dangerous_tool_use"}]},
            "safeguards: Extra inputs are not permitted",
        ),
        (
            "sim/rejects-context_management",
            {"context_management": {"edits": []}},
            "context_management: Extra inputs are not permitted",
        ),
        (
            "sim/rejects-output_config",
            {"output_config": {"effort": "high"}},
            "output_config: Extra inputs are not permitted",
        ),
        (
            "sim/rejects-thinking-display",
            {"thinking": {"type": "adaptive", "display": "omitted"}},
            "thinking.display: Extra inputs are not permitted",
        ),
        (
            "sim/rejects-tool-type",
            {"tools": [{"name": "look_up"}, {"type": "advisor_20260301", "name": "advisor"}]},
            "tools.1: Input tag 'advisor_20260301' found using 'type' does not match any of the expected "
            "tags: 'custom'",
        ),
    ],
)
def test_a_capability_is_refused_in_anthropics_words_only_while_the_body_has_it(
    sim: Rig, model: str, field: dict[str, object], words: str
) -> None:
    assert _error(sim, model, **field) == (400, words)
    assert _error(sim, model, thinking={"type": "enabled"}, tools=[{"name": "look_up"}]) == (200, "")
    chat = sim.chat(model, **field)
    assert (chat.status_code, words in chat.json()["error"]["metadata"]["raw"]) == (400, True)
    assert sim.chat(model).status_code == 200


def test_a_prompt_that_is_too_long_is_refused_with_both_numbers(sim: Rig) -> None:
    status, words = _error(sim, "sim/prompt-limit-1")
    assert (status, words) == (400, "prompt is too long: 8 tokens > 1 maximum")
    assert _error(sim, "sim/prompt-limit-8") == (200, "")


def _after(content: list[Any]) -> list[dict[str, Any]]:
    return [*MESSAGES, {"role": "assistant", "content": content}, {"role": "user", "content": "And now?"}]


@pytest.mark.parametrize("model", ["sim/signs-alpha", "sim/encrypts-alpha"])
def test_a_message_signed_by_another_model_is_refused(sim: Rig, model: str) -> None:
    content = sim.messages(model).json()["content"]
    assert content[0]["type"] in {"thinking", "redacted_thinking"}
    other = model.replace("alpha", "beta")
    foreign = (400, "messages.1.content.0: Invalid `signature` in `thinking` block")
    assert _error(sim, model, messages=_after(content)) == (200, "")
    assert _error(sim, other, messages=_after(content)) == foreign
    assert _error(sim, other, messages=_after(content[1:])) == (200, "")
    assert _error(sim, other, messages=_after([{"type": "thinking", "thinking": "Hm."}])) == (200, "")
    assert _error(sim, "sim/ok", messages=_after(content)) == (200, "")


@pytest.mark.parametrize("model", ["sim/signs-alpha", "sim/encrypts-alpha"])
def test_chats_reasoning_details_are_bound_to_their_model_too(sim: Rig, model: str) -> None:
    message = sim.chat(model).json()["choices"][0]["message"]
    history = [*MESSAGES, message, MESSAGES[0]]
    assert sim.chat(model, messages=history).status_code == 200
    refused = sim.chat(model.replace("alpha", "beta"), messages=history)
    assert refused.status_code == 400
    assert "Invalid `signature`" in refused.json()["error"]["metadata"]["raw"]
    del message["reasoning_details"]
    assert sim.chat(model.replace("alpha", "beta"), messages=history).status_code == 200


def test_signed_reasoning_comes_before_a_tool_call_too(sim: Rig) -> None:
    tools = [{"name": "look_up"}]
    content = sim.messages("sim/signs-alpha", tools=tools).json()["content"]
    assert [block["type"] for block in content] == ["thinking", "tool_use"]
    events = named_events_of(sim.messages("sim/signs-alpha", tools=tools, stream=True).text)
    signatures = [
        e["delta"]["signature"] for e in events if e.get("delta", {}).get("type") == "signature_delta"
    ]
    assert signatures == [content[0]["signature"]]
