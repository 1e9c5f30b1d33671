"""Legacy completions."""

import pytest

from tests.simulator.rig import Rig, chunks_of, data_of, fresh_user


def _text(sim: Rig, model: str) -> str:
    chunks = chunks_of(sim.ask("/completions", model, stream=True).text)
    return "".join(choice.get("text", "") for chunk in chunks for choice in chunk["choices"])


def test_a_text_is_the_same_plain_and_streamed(sim: Rig) -> None:
    for model in ("sim/ok", "sim/json", "sim/refusal", "sim/tools"):
        assert sim.ask("/completions", model).json()["choices"][0]["text"] == _text(sim, model) != ""


def test_the_events_are_chats_with_a_text_in_the_place_of_the_delta(sim: Rig) -> None:
    data = data_of(sim.ask("/completions", "sim/ok", stream=True).text)
    [first, *_], chat = chunks_of(f"data: {data[0]}\n\n"), sim.chat("sim/ok", stream=True).text
    assert (first["object"], first["choices"][0]["text"]) == ("text_completion", "Canberra")
    assert len(data) == len(data_of(chat))


def test_reasoning_stands_beside_the_text(sim: Rig) -> None:
    [choice] = sim.ask("/completions", "sim/reasoning").json()["choices"]
    assert (choice["text"], choice["reasoning"][:6]) == ("Canberra it is.", "Sydney")


@pytest.mark.parametrize("stream", [False, True])
def test_a_status_comes_in_chats_envelope(sim: Rig, stream: bool) -> None:
    answer = sim.ask("/completions", "sim/status-429", stream=stream)
    assert (answer.status_code, answer.json()["error"]["code"]) == (429, 429)


def test_errors_in_a_200_are_chats(sim: Rig) -> None:
    last = chunks_of(sim.ask("/completions", "sim/error-mid", stream=True).text)[-1]
    assert (last["error"]["code"], last["choices"][0]["finish_reason"]) == (503, "error")
    broken = sim.ask("/completions", "sim/choice-error").json()["choices"][0]
    assert (broken["finish_reason"], broken["error"]["code"]) == ("error", 502)
    assert sim.ask("/completions", "sim/choices-empty").json()["choices"] == []
    first = chunks_of(sim.ask("/completions", "sim/error-first", stream=True).text)[0]
    assert list(first) == ["error", "user_id"]


def test_the_usage_can_come_in_a_chunk_without_choices(sim: Rig) -> None:
    last = chunks_of(sim.ask("/completions", "sim/ok-usage-empty-choices", stream=True).text)[-1]
    assert (last["choices"], last["usage"]["cost"] > 0) == ([], True)


@pytest.mark.parametrize("prompt", ["Hello, you there", ["Hello,", " you there"]])
def test_a_prompt_is_a_text_or_a_list_of_texts(sim: Rig, prompt: object) -> None:
    assert sim.ask("/completions", "sim/ok", prompt=prompt).json()["usage"]["prompt_tokens"] == 4


@pytest.mark.parametrize("prompt", [None, "", [], 7])
def test_a_body_without_a_prompt_is_refused(sim: Rig, prompt: object) -> None:
    answer = sim.ask("/completions", "sim/ok", prompt=prompt)
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, 400)


def test_the_journal_tells_the_endpoint(sim: Rig) -> None:
    user = fresh_user()
    statuses = [sim.ask("/completions", "sim/status-503-once", user).status_code for _ in range(2)]
    assert statuses == [503, 200]
    assert [entry["path"] for entry in sim.log(user)] == ["/api/v1/completions"] * 2
