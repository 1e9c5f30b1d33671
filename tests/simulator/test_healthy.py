import json

import pytest

from tests.simulator.rig import Rig, chunks_of, content_of, data_of, fresh_user


def _message(sim: Rig, model: str, user: str | None = None, **more: object) -> dict[str, object]:
    message: dict[str, object] = sim.chat(model, user, **more).json()["choices"][0]["message"]
    return message


def test_a_stream_has_the_same_text_as_the_plain_answer(sim: Rig) -> None:
    plain = _message(sim, "sim/ok")["content"]
    assert content_of(chunks_of(sim.chat("sim/ok", stream=True).text)) == plain


def test_the_usage_chunk_repeats_the_finish_reason_or_has_empty_choices(sim: Rig) -> None:
    repeated = chunks_of(sim.chat("sim/ok", stream=True).text)
    assert [chunk["choices"][0]["finish_reason"] for chunk in repeated[-2:]] == ["stop", "stop"]
    empty = chunks_of(sim.chat("sim/ok-usage-empty-choices", stream=True).text)
    assert empty[-1]["choices"] == []
    assert empty[-1]["usage"]["cost"] > 0


@pytest.mark.parametrize("stream", [False, True])
def test_slow_sends_nothing_for_its_time(sim: Rig, stream: bool) -> None:  # a parameter of the test
    user = fresh_user()
    sim.chat("sim/slow-120ms", user, stream=stream)
    assert 120 <= sim.one(user)["ms"] < 1000


def test_comments_come_before_the_stream_and_blank_lines_before_the_json(sim: Rig) -> None:
    assert sim.chat("sim/comments-300ms", stream=True).text.count(": OPENROUTER PROCESSING\n\n") == 2
    plain = sim.chat("sim/comments-300ms")
    assert plain.text.startswith(" ")
    assert plain.json()["choices"]


def test_reasons_sends_comments_before_it_shows_its_reasoning(sim: Rig) -> None:
    text = sim.chat("sim/reasons-300ms", stream=True).text
    before, after = text.split('"reasoning"', 1)
    assert before.count(": OPENROUTER PROCESSING\n\n") == 2
    assert ": OPENROUTER PROCESSING" not in after
    assert _message(sim, "sim/reasons-50ms")["reasoning"]


@pytest.mark.parametrize("stream", [False, True])
def test_late_begins_at_once_and_says_nothing_for_its_time(sim: Rig, stream: bool) -> None:
    user = fresh_user()
    late = sim.chat("sim/late-120ms", user, stream=stream)
    assert 120 <= sim.one(user)["ms"] < 1000
    if stream:
        first, *others = chunks_of(late.text)
        assert first["choices"][0]["delta"] == {"content": "", "role": "assistant"}
        assert content_of(others) == _message(sim, "sim/ok")["content"]


def test_a_model_that_reasons_for_long_is_listed_as_one_that_always_reasons(sim: Rig) -> None:
    listed = sim.get("/api/v1/models")["data"]
    [model] = [each for each in listed if each["id"] == "sim/reasons-50000ms"]
    assert model["reasoning"] == {"mandatory": True}


def test_long_events_have_the_size_of_openrouters(sim: Rig) -> None:
    events = data_of(sim.chat("sim/long-40", stream=True).text)[:40]
    assert all(250 <= len(f"data: {event}\n\n") <= 350 for event in events)


@pytest.mark.parametrize("size", [5_000, 200_000])
def test_bytes_answers_with_json_of_about_that_size(sim: Rig, size: int) -> None:
    assert abs(len(sim.chat(f"sim/bytes-{size}").content) - size) < 100


def test_tools_calls_the_first_tool_and_then_answers_in_text(sim: Rig) -> None:
    tools = [{"type": "function", "function": {"name": "look_up", "parameters": {}}}]
    chunks = chunks_of(sim.chat("sim/tools", tools=tools, stream=True).text)
    deltas = [chunk["choices"][0]["delta"] for chunk in chunks]
    calls = [call for delta in deltas for call in delta.get("tool_calls", [])]
    assert calls[0]["function"]["name"] == "look_up"
    assert len(calls) > 2
    assert json.loads("".join(call["function"]["arguments"] for call in calls)) == {"city": "Oslo"}
    after = [{"role": "tool", "tool_call_id": "call_1", "content": "rain"}]
    assert _message(sim, "sim/tools", messages=after)["content"]


def test_answers_other_than_text_are_where_openrouter_puts_them(sim: Rig) -> None:
    assert _message(sim, "sim/reasoning")["reasoning"]
    assert "images" in _message(sim, "sim/image")
    refusal = _message(sim, "sim/refusal")
    assert (refusal["content"], bool(refusal["refusal"])) == (None, True)
    assert isinstance(json.loads(str(_message(sim, "sim/json")["content"])), dict)
    length = sim.chat("sim/length").json()["choices"][0]
    assert (length["finish_reason"], length["message"]["content"]) == ("length", "")


def test_echo_returns_every_field(sim: Rig) -> None:
    sent = sim.body("sim/echo", "someone", provider={"sort": "price"}, unheard_of=["ø", 1.5, None])
    echoed = _message(
        sim, "sim/echo", user="someone", provider={"sort": "price"}, unheard_of=["ø", 1.5, None]
    )
    assert json.loads(str(echoed["content"])) == sent


def test_free_models_cost_nothing_and_answer_the_same(sim: Rig) -> None:
    answer = sim.chat("sim/ok:free").json()
    assert answer["model"] == "sim/ok:free"
    assert answer["usage"]["cost"] == 0


@pytest.mark.parametrize(
    "model", ["openai/gpt-5.4-mini", "google/gemini-3.8-flash", "deepseek/deepseek-v4-pro"]
)
def test_realistic_models_are_healthy(sim: Rig, model: str) -> None:
    assert sim.chat(model).json()["model"] == model


@pytest.mark.parametrize(("suffix", "calls"), [("-once", 1), ("-twice", 2)])
def test_a_suffix_limits_a_behaviour_to_the_first_calls_of_a_user(sim: Rig, suffix: str, calls: int) -> None:
    for user in (fresh_user(), fresh_user()):
        statuses = [sim.chat(f"sim/status-503{suffix}", user).status_code for _ in range(4)]
        assert statuses == [503] * calls + [200] * (4 - calls)
