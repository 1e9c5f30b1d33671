"""What only Responses has: failures, endings, events and items that no other dialect knows."""

import json
from typing import Any

import pytest

from simulator.behaviours import AUTHOR, behaviours
from tests.simulator.responses_reader import (
    DONE,
    Event,
    checked_response,
    responses_events_of,
    types_of,
)
from tests.simulator.rig import Rig, chunks_of, content_of, fresh_user, named_events_of

ROWS = [row for row in behaviours().values() if row.group == "responses"]
AS_OK = [row.example_name for row in ROWS if "status" not in row.name and row.name[:12] != "no-terminal-"]


def _text(sim: Rig, model: str, **more: object) -> str:
    return sim.ask("/responses", model, stream=True, **more).text


def _types(sim: Rig, model: str, **more: object) -> list[str]:
    return types_of(responses_events_of(_text(sim, model, **more)))


def _unchecked(sim: Rig, model: str) -> list[Event]:
    return named_events_of(_text(sim, model).removesuffix(DONE))


@pytest.mark.parametrize(
    ("name", "code", "error_type"),
    [
        ("server_error", "server_error", "server"),
        ("rate_limit_exceeded", "rate_limit_exceeded", "rate_limit_exceeded"),
        ("server_is_overloaded", "server_is_overloaded", "provider_overloaded"),
        ("insufficient_quota", "insufficient_quota", "payment_required"),
        ("provider_overloaded", "server_error", "provider_overloaded"),
        ("context_length_exceeded", "invalid_prompt", "context_length_exceeded"),
        ("authentication", "server_error", "authentication"),
    ],
)
@pytest.mark.parametrize("place", ["before", "after"])
def test_a_response_fails_with_a_code_and_openrouters_type(
    sim: Rig, place: str, name: str, code: str, error_type: str
) -> None:
    model = f"sim/failed-{place}-{name}"
    events = responses_events_of(_text(sim, model))
    said = [event for event in events if event["type"] == "response.output_text.delta"]
    assert len(said) == (3 if place == "after" else 0)
    plain = sim.ask("/responses", model)
    assert (plain.status_code, len(plain.json()["output"])) == (200, 1 if place == "after" else 0)
    for response in (events[-1]["response"], plain.json()):
        assert (response["status"], response["error"]["code"]) == ("failed", code)
        assert (response["error_type"], response["usage"]) == (error_type, None)
    assert _text(sim, model).endswith(DONE)


@pytest.mark.parametrize("place", ["before", "after"])
def test_an_error_event_has_two_forms(sim: Rig, place: str) -> None:
    flat = responses_events_of(_text(sim, f"sim/error-flat-{place}"))[-1]
    nested = responses_events_of(_text(sim, f"sim/error-nested-{place}"))[-1]
    assert (flat["type"], flat["code"], flat["param"]) == ("error", "server_error", None)
    assert (nested["type"], nested["error"]["code"]) == ("error", 502)
    assert flat["message"] == nested["error"]["message"]
    assert sim.ask("/responses", f"sim/error-flat-{place}").json()["status"] == "failed"


@pytest.mark.parametrize(
    ("model", "last"),
    [
        ("sim/no-terminal", "response.output_item.done"),
        ("sim/no-terminal-done", "response.output_item.done"),
        ("sim/no-terminal-open", "response.content_part.done"),
        ("sim/no-terminal-tools", "response.output_item.done"),
        ("sim/no-terminal-reasoning", "response.output_item.done"),
    ],
)
def test_a_stream_can_end_without_its_last_event(sim: Rig, model: str, last: str) -> None:
    types = _types(sim, model)
    assert types[-1] == last
    assert "response.completed" not in types
    assert _text(sim, model).endswith(DONE) == (model in {"sim/no-terminal-done", "sim/no-terminal-open"})
    assert sim.ask("/responses", model).json()["status"] == "completed"


@pytest.mark.parametrize("model", ["sim/no-terminal", "sim/no-terminal-done", "sim/no-terminal-open"])
def test_the_cost_of_what_does_not_end_can_be_asked_for(sim: Rig, model: str) -> None:
    user = fresh_user()
    answer = sim.ask("/responses", model, user, stream=True)
    assert '"cost"' not in answer.text
    generation = sim.get(f"/api/v1/generation?id={answer.headers['x-generation-id']}")["data"]
    assert generation["total_cost"] == sim.one(user)["cost_usd"] > 0


def test_the_last_event_can_lack_a_part_of_the_response(sim: Rig) -> None:
    last = {name: _unchecked(sim, f"sim/{name}")[-1]["response"] for name in ("no-usage", "no-output")}
    assert ("usage" in last["no-usage"], "usage" in last["no-output"]) == (False, True)
    assert ("output" in last["no-usage"], "output" in last["no-output"]) == (True, False)
    assert _unchecked(sim, "sim/output-lost")[-1]["response"]["output"] == []


def test_numbers_and_names_can_be_wrong_or_missing(sim: Rig) -> None:
    def numbers(model: str) -> list[int | None]:
        return [event.get("sequence_number") for event in _unchecked(sim, model)]

    usual = len(numbers("sim/ok"))
    assert numbers("sim/sequence-restarts") == [*range(5), *range(usual - 5)]
    assert numbers("sim/sequence-skips") == [*range(5), *range(15, usual + 10)]
    assert numbers("sim/unnumbered") == [None] * usual
    assert "event: " not in _text(sim, "sim/unnamed")


@pytest.mark.parametrize(
    ("model", "added"),
    [
        ("sim/unknown-event", "response.simulated.progress"),
        ("sim/debug-event", "response.debug"),
        ("sim/second-start", "response.created"),
        ("sim/stray-delta", "response.output_text.delta"),
        ("sim/second-stop", "response.output_item.done"),
    ],
)
def test_a_stream_can_have_one_event_more(sim: Rig, model: str, added: str) -> None:
    usual, types = _types(sim, "sim/ok"), _types(sim, model)
    assert sorted(types) == sorted([*usual, added])


def test_a_stray_piece_belongs_to_no_item(sim: Rig) -> None:
    events = responses_events_of(_text(sim, "sim/stray-delta"))
    assert [event["output_index"] for event in events if event.get("item_id") == "msg_stray"] == [7]


def test_a_stream_can_begin_with_its_first_item(sim: Rig) -> None:
    assert _types(sim, "sim/no-created")[0] == "response.output_item.added"


def test_done_can_have_a_name(sim: Rig) -> None:
    assert _text(sim, "sim/done-named").endswith("event: data\ndata: [DONE]\n\n")
    assert _text(sim, "sim/done-unnamed").count("[DONE]") == 1


@pytest.mark.parametrize(
    ("model", "items"),
    [
        ("sim/web-search", ["web_search_call", "message"]),
        ("sim/image-only", ["image_generation_call"]),
        ("sim/tools-two", ["function_call", "function_call"]),
        ("sim/reasoning-text", ["reasoning", "message"]),
        ("sim/unknown-item", ["simulated_call", "message"]),
    ],
)
def test_an_output_can_have_other_items(sim: Rig, model: str, items: list[str]) -> None:
    user = fresh_user()
    plain = sim.ask("/responses", model, user).json()
    response = checked_response(responses_events_of(_text(sim, model)))
    assert [item["type"] for item in plain["output"]] == items
    assert [item["type"] for item in response["output"]] == items
    assert plain["usage"] == response["usage"]
    assert sim.one(user)["cost_usd"] == plain["usage"]["cost"] > 0


def test_an_image_comes_first_as_a_partial_image(sim: Rig) -> None:
    events = responses_events_of(_text(sim, "sim/image-only"))
    [partial] = [event for event in events if event["type"].endswith(".partial_image")]
    assert partial["partial_image_b64"] == events[-1]["response"]["output"][0]["result"]


def test_reasoning_can_be_open(sim: Rig) -> None:
    reasoning = sim.ask("/responses", "sim/reasoning-text").json()["output"][0]
    assert (reasoning["summary"], reasoning["content"][0]["type"]) == ([], "reasoning_text")
    assert "response.reasoning_text.delta" in _types(sim, "sim/reasoning-text")


def test_reasoning_can_be_withheld_while_comments_come(sim: Rig) -> None:
    text = _text(sim, "sim/withheld-500ms", include=["reasoning.encrypted_content"])
    before, *_, after = text.split(": OPENROUTER PROCESSING\n\n")
    assert types_of(named_events_of(before))[-1] == "response.output_item.added"
    done = named_events_of(after.removesuffix(DONE))[0]
    assert (done["item"]["type"], bool(done["item"]["encrypted_content"])) == ("reasoning", True)


def test_an_error_status_can_have_a_word_as_code(sim: Rig) -> None:
    def code(status: int) -> Any:  # noqa: ANN401  # a word or a number
        return sim.ask("/responses", f"sim/status-word-{status}").json()["error"]["code"]

    assert [code(status) for status in (400, 429, 503)] == [
        *("invalid_prompt", "rate_limit_exceeded"),
        "server_error",
    ]
    assert sim.chat("sim/status-word-503").json()["error"]["code"] == 503


@pytest.mark.parametrize("name", AS_OK)
def test_other_dialects_know_nothing_of_them(sim: Rig, name: str) -> None:
    usual = "Canberra is the capital of Australia."
    assert content_of(chunks_of(sim.chat(AUTHOR + name, stream=True).text)) == usual
    assert sim.messages(AUTHOR + name).json()["content"][0]["text"] == usual


@pytest.mark.parametrize("model", ["sim/signs-alpha", "sim/encrypts-alpha"])
def test_encrypted_reasoning_is_bound_to_its_model(sim: Rig, model: str) -> None:
    other = model.replace("alpha", "beta")
    sealed = {"include": ["reasoning.encrypted_content"]}
    output = sim.ask("/responses", model, **sealed).json()["output"]
    history = [{"role": "user", "content": "Hello"}, *output, {"role": "user", "content": "And now?"}]
    assert sim.ask("/responses", model, input=history, **sealed).status_code == 200
    refused = sim.ask("/responses", other, input=history, **sealed)
    error = json.loads(refused.json()["error"]["metadata"]["raw"])["error"]
    assert (refused.status_code, error["code"]) == (400, "invalid_encrypted_content")
    assert "could not be verified" in error["message"]
    del output[0]["encrypted_content"]
    assert sim.ask("/responses", other, input=history, **sealed).status_code == 200
