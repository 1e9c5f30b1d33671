import base64
import json
from typing import Any

import pytest

from simulator.dialects.pictures import png
from tests.simulator.rig import Rig, data_of, fresh_user

PATH = "/images"
PARTIAL, COMPLETED = "image_generation.partial_image", "image_generation.completed"


def _events(sim: Rig, model: str, user: str | None = None, **more: object) -> list[dict[str, Any]]:
    text = sim.ask(PATH, model, user, stream=True, **more).text
    return [json.loads(data) for data in data_of(text) if data != "[DONE]"]


def _types(events: list[dict[str, Any]]) -> list[str]:
    return [event["type"] for event in events]


def _is_png(text: str) -> bool:
    return base64.b64decode(text, validate=True).startswith(b"\x89PNG\r\n\x1a\n")


def test_images_are_real_deterministic_and_differ(sim: Rig) -> None:
    body = sim.ask(PATH, "sim/ok", n=3).json()
    images = [image["b64_json"] for image in body["data"]]
    assert all(map(_is_png, images))
    assert len({*images}) == 3
    assert {image["media_type"] for image in body["data"]} == {"image/png"}
    assert sim.ask(PATH, "sim/ok", n=1).json()["data"][0]["b64_json"] == images[0]
    assert body["usage"]["completion_tokens"] == 3 * 272


def test_a_large_image_is_a_real_one(sim: Rig) -> None:
    image = base64.b64decode(sim.ask(PATH, "sim/bytes-4000000").json()["data"][0]["b64_json"])
    assert len(image) > 2_900_000
    assert image.endswith(png("")[-12:])


def test_a_stream_is_partial_images_then_the_final_one_with_its_usage(sim: Rig) -> None:
    user = fresh_user()
    text = sim.ask(PATH, "sim/ok", user, stream=True).text
    events = _events(sim, "sim/ok")
    assert data_of(text)[-1] == "[DONE]"
    assert "event:" not in text
    assert _types(events) == [*[PARTIAL] * 5, COMPLETED]
    assert [event.get("partial_image_index") for event in events[:5]] == [0, 1, 2, 3, 4]
    assert all(_is_png(event["b64_json"]) for event in events)
    assert events[-1]["usage"]["cost"] == sim.one(user)["cost_usd"] > 0
    assert events[-1]["b64_json"] == sim.ask(PATH, "sim/ok").json()["data"][0]["b64_json"]


def test_events_can_have_name_lines(sim: Rig) -> None:
    lines = sim.ask(PATH, "sim/image-named-events", stream=True).text.splitlines()
    names = [line.removeprefix("event: ") for line in lines if line.startswith("event: ")]
    assert names == [*[PARTIAL] * 5, COMPLETED]


@pytest.mark.parametrize(
    ("model", "types"),
    [
        ("sim/error-first", ["error"]),
        ("sim/error-before-block", [PARTIAL, "error"]),
        ("sim/error-mid", [PARTIAL, PARTIAL, PARTIAL, "error"]),
        ("sim/image-error-word", [*[PARTIAL] * 5, "error"]),
        ("sim/comments-end", []),
        ("sim/cut-after", [PARTIAL, PARTIAL, PARTIAL]),
        ("sim/image-not-completed", [PARTIAL] * 5),
        ("sim/empty", [COMPLETED]),
        ("sim/choices-empty", [COMPLETED]),
        ("sim/image-text-chunks", [*["image_generation.text_chunk"] * 3, COMPLETED]),
    ],
)
def test_a_stream_can_break_at_any_place(sim: Rig, model: str, types: list[str]) -> None:
    assert _types(_events(sim, model)) == types


def test_an_error_event_has_the_documented_form(sim: Rig) -> None:
    assert _events(sim, "sim/image-error-word")[-1] == {
        "type": "error",
        "error": {"message": "Generation failed", "code": "server_error"},
    }
    assert _events(sim, "sim/error-mid")[-1]["error"]["code"] == 503


def test_a_role_without_text_is_a_partial_image_without_data(sim: Rig) -> None:
    assert _events(sim, "sim/error-before-block")[0]["b64_json"] == ""


def test_a_stream_and_a_plain_answer_can_be_swapped(sim: Rig) -> None:
    assert sim.ask(PATH, "sim/plain-for-stream", stream=True).json()["data"]
    assert sim.ask(PATH, "sim/stream-for-plain").headers["content-type"] == "text/event-stream"


def test_a_prompt_can_be_refused_by_a_content_policy(sim: Rig) -> None:
    for stream in (False, True):
        answer = sim.ask(PATH, "sim/image-refused", stream=stream)
        metadata = answer.json()["error"]["metadata"]
        assert (answer.status_code, metadata["error_type"]) == (400, "content_policy_violation")
        assert "safety system" in metadata["raw"]


def test_images_can_be_missing(sim: Rig) -> None:
    assert sim.ask(PATH, "sim/empty").json()["data"] == []
    assert sim.ask(PATH, "sim/image-no-bytes").json()["data"] == [{"media_type": "image/png"}]


@pytest.mark.parametrize("count", [0, 11, "2"])
def test_the_number_of_images_is_limited(sim: Rig, count: object) -> None:
    answer = sim.ask(PATH, "sim/ok", n=count)
    assert answer.json()["error"]["message"] == "n: Expected an integer from 1 to 10"
