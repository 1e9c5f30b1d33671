import json
from datetime import UTC, datetime

import pytest

from simulator.samples import Sample, chat_samples, with_fresh_times
from tests.simulator.rig import Rig, chunks_of, content_of, data_of

# One sample is cut off: test_every_behaviour.py tests it.
COMPLETE = [sample for sample in chat_samples() if not sample.stem.startswith("sse-07")]


@pytest.mark.parametrize("sample", COMPLETE, ids=lambda sample: sample.stem)
def test_a_sample_is_replayed_with_its_status_and_headers(sim: Rig, sample: Sample) -> None:
    answer = sim.chat(f"sim/{sample.stem}", stream=sample.stem.startswith("sse"))
    assert answer.status_code == sample.status
    assert answer.text.strip() == with_fresh_times(sample.text).strip()
    assert set(sample.headers.items()) - set(answer.headers.items()) <= {
        ("x-ratelimit-reset", "1795392000000")
    }


def test_reset_times_are_moved_to_the_next_midnight() -> None:
    now = datetime(2031, 5, 6, 23, 59, tzinfo=UTC)
    text = (
        '{"X-RateLimit-Reset": "1795392000000", "created": 1795338001,'
        ' "resets_at": "2026-11-23T00:00:00.000Z"}'
    )
    midnight = datetime(2031, 5, 7, tzinfo=UTC)
    assert json.loads(with_fresh_times(text, now)) == {
        "X-RateLimit-Reset": str(int(midnight.timestamp() * 1000)),
        "created": 1795338001,
        "resets_at": "2031-05-07T00:00:00.000Z",
    }


def test_the_daily_caps_header_and_body_have_the_same_future_time(sim: Rig) -> None:
    answer = sim.chat("sim/err-429-free-daily")
    in_body = answer.json()["error"]["metadata"]["headers"]["X-RateLimit-Reset"]
    assert answer.headers["x-ratelimit-reset"] == in_body
    assert int(in_body) > datetime.now(UTC).timestamp() * 1000


def test_a_stream_sample_answers_a_plain_request_with_its_equivalent_or_with_502(sim: Rig) -> None:
    text = sim.chat("sim/sse-01-ok-comments-repeated-finish").json()["choices"][0]
    assert text["message"]["content"] == "Hello there."
    tool = sim.chat("sim/sse-03-tool-call").json()["choices"][0]
    assert tool["message"]["tool_calls"][0]["function"]["arguments"] == '{"city":"Oslo"}'
    assert tool["finish_reason"] == "tool_calls"
    assert sim.chat("sim/sse-05-midstream-error-documented").status_code == 502


def test_a_plain_sample_answers_a_stream_request_with_its_equivalent(sim: Rig) -> None:
    chunks = chunks_of(sim.chat("sim/ok-01-fallback-won", stream=True).text)
    assert content_of(chunks) == "Canberra is the capital of Australia."
    assert chunks[-1]["usage"]["cost"] == 6.6e-05
    error = chunks_of(sim.chat("sim/soft-01-200-error-only", stream=True).text)[0]
    assert set(error) == {"error", "user_id"}
    partial = chunks_of(sim.chat("sim/soft-02-200-choice-error-partial", stream=True).text)
    assert content_of(partial) == "The three main causes were"
    assert partial[-1]["choices"][0]["error"]["code"] == 502
    nothing = sim.chat("sim/soft-03-200-empty-choices", stream=True).text
    assert ([chunk["choices"] for chunk in chunks_of(nothing)], data_of(nothing)[-1]) == ([[]], "[DONE]")
    empty = chunks_of(sim.chat("sim/soft-04-200-stop-zero-tokens-leading-ws", stream=True).text)
    assert (content_of(empty), empty[-1]["usage"]["completion_tokens"]) == ("", 0)
