import json
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

import httpx
import pytest

from tests.simulator.rig import Rig, chunks_of, content_of, data_of, fresh_user


def _events(sim: Rig, model: str) -> list[str]:
    return data_of(sim.chat(model, stream=True).text)


@pytest.mark.parametrize(
    "status", [300, 304, 400, 401, 402, 403, 404, 408, 429, 499, 500, 502, 503, 524, 529, 599]
)
def test_a_status_comes_with_an_error_of_the_same_code(sim: Rig, status: int) -> None:
    answer = sim.chat(f"sim/status-{status}")
    assert answer.status_code == status
    assert status == 304 or answer.json()["error"]["code"] == status


@pytest.mark.parametrize(
    "model", ["sim/status-200", "sim/status-600", "sim/nothing", "sim/", "acme/unheard-of"]
)
def test_an_unknown_model_is_refused_by_name(sim: Rig, model: str) -> None:
    answer = sim.chat(model)
    assert (answer.status_code, answer.json()["error"]["message"]) == (
        400,
        f"{model} is not a valid model ID",
    )


def test_retry_after_is_in_the_header_and_in_the_body(sim: Rig) -> None:
    answer = sim.chat("sim/retry-after-9")
    metadata = answer.json()["error"]["metadata"]
    assert (answer.status_code, answer.headers["retry-after"]) == (429, "9")
    assert metadata["retry_after_seconds"] == 9
    assert metadata["limit_source"] == "upstream_provider_shared_pool"


def test_retry_date_is_a_date_in_the_future(sim: Rig) -> None:
    answer = sim.chat("sim/retry-date-30")
    ahead = parsedate_to_datetime(answer.headers["retry-after"]) - datetime.now(UTC)
    assert answer.status_code == 503
    assert 25 < ahead.total_seconds() <= 30


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("model", ["sim/reset", "sim/reset-body", "sim/reset-after"])
def test_a_reset_is_a_reset_and_not_an_early_end(
    sim: Rig, model: str, stream: bool
) -> None:  # a parameter of the test
    with pytest.raises(httpx.ReadError, match=r"(?i)reset"):
        sim.chat(model, stream=stream)


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("model", ["sim/close", "sim/truncated"])
def test_the_client_notices_an_early_end(
    sim: Rig, model: str, stream: bool
) -> None:  # a parameter of the test
    with pytest.raises(httpx.RemoteProtocolError):
        sim.chat(model, stream=stream)


def test_three_events_arrive_before_the_stream_is_reset(sim: Rig) -> None:
    body = sim.body("sim/reset-after", fresh_user(), stream=True)
    with sim.client.stream("POST", f"{sim.url}/chat/completions", json=body) as answer:
        parts = answer.iter_raw()
        received = b""
        while len(data_of(received.decode())) < 3:
            received += next(parts)
        with pytest.raises(httpx.ReadError):
            next(parts)


def test_a_redirect_leads_to_a_trap_that_logs_its_callers(sim: Rig) -> None:
    marker = fresh_user()
    answer = sim.chat("sim/redirect")
    assert answer.status_code == 302
    assert answer.headers["location"].endswith("/sim/trap")
    httpx.post(answer.headers["location"], headers={"X-Marker": marker})
    trapped = [entry for entry in sim.get("/sim/log")["entries"] if entry["path"] == "/sim/trap"]
    assert trapped[-1]["headers"]["x-marker"] == marker


@pytest.mark.parametrize(
    "model", ["sim/garbage", "sim/cut-json", "sim/empty-body", "sim/html", "sim/cut-after"]
)
def test_some_answers_are_200_and_not_json(sim: Rig, model: str) -> None:
    answer = sim.chat(model)
    assert answer.status_code == 200
    with pytest.raises(json.JSONDecodeError):
        answer.json()


def test_some_answers_are_200_without_content(sim: Rig) -> None:
    empty = sim.chat("sim/empty").json()
    assert empty["choices"][0]["message"]["content"] == ""
    assert empty["usage"]["completion_tokens"] == 0
    assert sim.chat("sim/choices-empty").json()["choices"] == []
    assert isinstance(sim.chat("sim/error-string").json()["error"], str)
    assert sim.chat("sim/choice-error").json()["choices"][0]["error"]["code"] == 502
    thinking = sim.chat("sim/reasoning-only").json()["choices"][0]
    assert (thinking["message"]["content"], thinking["finish_reason"]) == ("", "stop")


def test_streams_can_end_wrongly_in_each_way(sim: Rig) -> None:
    assert _events(sim, "sim/done-only") == ["[DONE]"]
    assert len(_events(sim, "sim/cut-after")) == 3
    assert _events(sim, "sim/no-done")[-1] != "[DONE]"
    assert _events(sim, "sim/garbage-event")[2] == "{not json}"
    assert content_of(chunks_of(sim.chat("sim/empty-stream", stream=True).text)) == ""
    assert len(_events(sim, "sim/huge-event")[0]) > 1_000_000
    assert "choices" not in json.loads(_events(sim, "sim/error-first")[0])


def test_mid_stream_errors_follow_text_and_have_no_done(sim: Rig) -> None:
    documented, text, nocode = (
        [json.loads(data) for data in _events(sim, f"sim/error-mid{form}")]
        for form in ("", "-string", "-nocode")
    )
    assert documented[-1]["error"]["code"] == 503
    assert documented[-1]["choices"][0]["finish_reason"] == "error"
    assert isinstance(text[-1]["error"], str)
    assert "code" not in nocode[-1]["error"]
    assert all(content_of(chunks[:3]) for chunks in (documented, text, nocode))


@pytest.mark.parametrize("model", ["sim/crlf", "sim/cr", "sim/multi-line", "sim/bom"])
def test_a_stream_in_rare_framing_has_the_usual_answer(sim: Rig, model: str) -> None:
    usual = content_of(chunks_of(sim.chat("sim/ok", stream=True).text))
    assert content_of(chunks_of(sim.chat(model, stream=True).content.decode())) == usual


def test_one_byte_at_a_time_adds_up_to_text_beyond_ascii(sim: Rig) -> None:
    assert "日本語" in content_of(chunks_of(sim.chat("sim/one-byte", stream=True).content.decode()))


def test_an_answer_in_the_wrong_form_is_complete(sim: Rig) -> None:
    assert sim.chat("sim/plain-for-stream", stream=True).json()["choices"]
    assert data_of(sim.chat("sim/stream-for-plain").text)[-1] == "[DONE]"
