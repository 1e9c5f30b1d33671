"""Embeddings, reranking, images, transcriptions and speech over HTTP. Only images are streamed as events."""

import json
from binascii import a2b_base64
from hashlib import sha256
from typing import Any

import httpx
import pytest

from tests.support.chat import openai
from tests.support.chunks import payloads_in
from tests.support.journal import Journal
from tests.support.runtimes import Gateway

EMBEDDINGS, RERANK, IMAGES = "/v1/embeddings", "/v1/rerank", "/v1/images/generations"
SPEECH, VOICE = "/v1/audio/speech", "openai/gpt-4o-mini-tts-2025-12-15"
TRANSCRIPTIONS, WHISPER = "/v1/audio/transcriptions", "openai/whisper-large-v3"
SPACE = "x-gateway-embedding-space"


def post(ours: Gateway, path: str, journal: Journal, *models: str, **fields: object) -> httpx.Response:
    """Return the response to a request."""
    with ours.client() as client:
        return client.post(path, json={"models": list(models), "user": journal.user, **fields})


def vectors_in(answer: httpx.Response) -> list[Any]:
    assert answer.status_code == 200, answer.text
    return [row["embedding"] for row in answer.json()["data"]]


@pytest.mark.parametrize("path", [EMBEDDINGS, f"/api{EMBEDDINGS}"])
def test_vectors_are_returned_with_their_space(gateway: Gateway, journal: Journal, path: str) -> None:
    answer = post(gateway, path, journal, "sim/ok", input=["one", "two"], dimensions=8)

    assert [len(each) for each in vectors_in(answer)] == [8, 8]
    assert answer.headers[SPACE] == "sim/ok/8"
    assert answer.json()["gateway"]["served"] == "sim/ok"


@pytest.mark.parametrize("encoding", ["float", "base64"])
@pytest.mark.parametrize("model", ["sim/vectors-fewer", "sim/vectors-same-index", "sim/vectors-nan"])
def test_wrong_vectors_are_never_returned(
    gateway: Gateway, journal: Journal, model: str, encoding: str
) -> None:
    answer = post(
        gateway,
        EMBEDDINGS,
        journal,
        model,
        input=["one", "two"],
        encoding_format=encoding,
        gateway={"retries": 0},
    )

    assert (answer.status_code, "data" in answer.json()) == (502, False)
    assert answer.json()["error"]["metadata"]["gateway"]["attempts"][0]["code"] in (
        "malformed_answer",
        "not_json",
    )


def test_another_model_is_refused_without_a_call(gateway: Gateway, journal: Journal) -> None:
    answer = post(gateway, EMBEDDINGS, journal, "sim/ok", "sim/space-other", input="one")

    assert (answer.status_code, answer.json()["error"]["param"]) == (400, "models")
    if gateway.is_ours:
        assert journal.models() == []


def test_the_next_model_sorts_documents(gateway: Gateway, journal: Journal) -> None:
    documents = ["The sea.", "Canberra is the capital of Australia."]
    answer = post(
        gateway, RERANK, journal, "sim/ranks-beyond", "sim/ok", query="capital Australia", documents=documents
    )

    assert answer.status_code == 200, answer.text
    assert [each["index"] for each in answer.json()["results"]] == [1, 0]
    assert answer.json()["gateway"]["served"] == "sim/ok"


def test_a_picture_is_relayed_from_the_next_model_that_makes_one(gateway: Gateway, journal: Journal) -> None:
    # `sim/ok` is listed as a model that makes texts only, so it would be skipped.
    answer = post(gateway, IMAGES, journal, "sim/status-503", "openai/gpt-image-1", prompt="a red panda")

    assert answer.status_code == 200, answer.text
    (picture,) = answer.json()["data"]
    assert a2b_base64(picture["b64_json"]).startswith(b"\x89PNG")
    assert [each["code"] for each in answer.json()["gateway"]["attempts"]] == ["overloaded", None]


@pytest.mark.parametrize("model", ["sim/image-no-bytes", "sim/close-bytes-100"])
def test_no_picture_is_paid_for_twice(gateway: Gateway, journal: Journal, model: str) -> None:
    answer = post(gateway, IMAGES, journal, model, "sim/ok", prompt="a red panda")

    error = answer.json()["error"]
    assert answer.status_code == 502
    assert "may have been billed" in error["message"]
    assert len(error["metadata"]["gateway"]["attempts"]) == 1


@pytest.mark.parametrize("model", ["openai/gpt-image-1", "sim/image-named-events"])
def test_a_stream_of_images_ends_with_the_picture_and_the_receipt(
    gateway: Gateway, journal: Journal, model: str
) -> None:
    answer = post(gateway, IMAGES, journal, model, prompt="a red panda", stream=True)

    assert answer.status_code == 200, answer.text
    *_, last, done = payloads_in(answer.content)
    assert done == "[DONE]"
    assert a2b_base64(last["b64_json"]).startswith(b"\x89PNG")
    assert last["gateway"]["served"] == model


def test_a_stream_of_images_that_is_not_completed_ends_in_an_error(
    gateway: Gateway, journal: Journal
) -> None:
    answer = post(gateway, IMAGES, journal, "sim/image-not-completed", prompt="a red panda", stream=True)

    assert payloads_in(answer.content)[-1]["type"] == "error"


# Every byte, among them lines that look like a boundary's.
RECORDING = b"RIFF" + bytes(range(256)) * 4_000 + b"\r\n--\r\n"


@pytest.mark.parametrize("first", ["sim/status-503", "sim/rate-limit"])
def test_openais_sdk_sends_a_file_that_reaches_the_next_model_unchanged(
    gateway: Gateway, journal: Journal, first: str
) -> None:
    options = {"retries": 0, "max_wait_ms": 0}
    own = {"models": [first, WHISPER], "user": journal.user, "gateway": json.dumps(options)}
    with openai(gateway) as client:
        text = client.audio.transcriptions.create(
            model=first, file=("C:\\a b.wav", RECORDING, "audio/wav"), extra_body=own
        )

    assert f"Heard {len(RECORDING)} bytes, sha256 {sha256(RECORDING).hexdigest()}." in text.text
    assert text.model_extra is not None
    assert text.model_extra["gateway"]["served"] == WHISPER


def test_a_form_that_is_cut_off_is_refused(gateway: Gateway, journal: Journal) -> None:
    with gateway.client() as client:
        answer = client.post(
            TRANSCRIPTIONS,
            content=b'--b\r\nContent-Disposition: form-data; name="model"\r\n\r\nsim/ok\r\n',
            headers={"content-type": "multipart/form-data; boundary=b"},
        )

    assert (answer.status_code, answer.json()["error"]["type"]) == (400, "invalid_request_error")
    assert journal.models() == []


def test_the_next_model_speaks(gateway: Gateway, journal: Journal) -> None:
    text = "The sea is calm tonight. " * 100
    answer = post(
        gateway, SPEECH, journal, "sim/status-503", VOICE, input=text, voice="alloy", response_format="wav"
    )

    assert (answer.status_code, answer.headers["content-type"]) == (200, "audio/wav")
    assert len(answer.content) == 44 + min(len(text) * 2_400, 4_000_000)
    assert json.loads(answer.headers["x-gateway-receipt"])["served"] == VOICE


CUT = ["sim/close-bytes-3000", "sim/reset-bytes-3000", "sim/stall-bytes-3000"]
# It ends a response of unknown length as if it were complete. So such audio is read to its end there.
ENDS_ALL_CLEANLY = {"workerd"}


@pytest.mark.parametrize("model", CUT)
def test_a_client_sees_that_audio_is_cut_off(
    gateway: Gateway, runtime: str, journal: Journal, model: str
) -> None:
    options = {"attempt_ms": 2_000, "idle_ms": 1_000, "retries": 0}
    said = {"input": "The sea. " * 10, "voice": "alloy", "gateway": options}
    if runtime in ENDS_ALL_CLEANLY:
        answer = post(gateway, SPEECH, journal, model, VOICE, **said)
        assert (len(answer.content), answer.headers["x-gateway-model"]) == (90 * 2_400, VOICE)
    else:
        with pytest.raises(httpx.RemoteProtocolError, match=r"incomplete|closed"):
            post(gateway, SPEECH, journal, model, VOICE, **said)


def test_a_client_sees_that_audio_is_shorter_than_declared(gateway: Gateway, journal: Journal) -> None:
    said = {"input": "The sea. " * 10, "voice": "alloy", "gateway": {"retries": 0}}
    with pytest.raises(httpx.RemoteProtocolError, match=r"incomplete|closed"):
        post(gateway, SPEECH, journal, "sim/truncated", VOICE, **said)


@pytest.mark.parametrize("model", CUT)
def test_audio_that_is_held_is_complete(gateway: Gateway, journal: Journal, model: str) -> None:
    options = {"attempt_ms": 1_000, "retries": 0, "on_midstream": "hold"}
    answer = post(gateway, SPEECH, journal, model, VOICE, input="The sea.", voice="alloy", gateway=options)

    assert (answer.status_code, len(answer.content)) == (200, len("The sea.") * 2_400)
    assert answer.headers["x-gateway-model"] == VOICE
