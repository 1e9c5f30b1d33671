"""OpenAI's official client, with audio."""

import json
from collections.abc import Callable
from hashlib import sha256

import openai
import pytest
from rig import EXHAUSTED, EXHAUSTED_CALLS, Upstream

TABLE = "audio"
CLIENT = PACKAGE = "openai"
VOICE, WHISPER = "openai/gpt-4o-mini-tts-2025-12-15", "openai/whisper-large-v3"
TEXT = "The sea is calm tonight."
# Every byte, among them lines that look like a boundary's.
RECORDING = b"RIFF" + bytes(range(256)) * 400 + b"\r\n--\r\n"


def heard(client: openai.OpenAI, model: str, **own: object) -> str:
    file = ("a.wav", RECORDING, "audio/wav")
    return client.audio.transcriptions.create(model=model, file=file, extra_body=own).text


def spoken(client: openai.OpenAI, model: str, **own: object) -> openai.HttpxBinaryResponseContent:
    return client.audio.speech.create(
        model=model, voice="alloy", input=TEXT, response_format="wav", extra_body=own
    )


@pytest.mark.shows("transcription")
def test_its_file_arrives_unchanged(client: openai.OpenAI) -> None:
    assert sha256(RECORDING).hexdigest() in heard(client, WHISPER)


@pytest.mark.shows("speech")
def test_it_gets_audio(client: openai.OpenAI) -> None:
    answer = spoken(client, VOICE)
    assert answer.response.headers["content-type"] == "audio/wav"
    assert answer.content.startswith(b"RIFF")


@pytest.mark.shows("streamed speech")
def test_it_gets_audio_in_pieces(client: openai.OpenAI) -> None:
    asked = client.audio.speech.with_streaming_response
    with asked.create(model="sim/drip-7ms", voice="alloy", input=TEXT, response_format="wav") as answer:
        pieces = list(answer.iter_bytes())
    assert b"".join(pieces).startswith(b"RIFF")


@pytest.mark.shows("errors")
def test_a_wrong_key_is_its_authentication_error(client: openai.OpenAI) -> None:
    with pytest.raises(openai.AuthenticationError):
        heard(client.with_options(api_key="wrong"), WHISPER)


@pytest.mark.shows("errors")
@pytest.mark.parametrize("ask", [heard, spoken])
def test_an_exhausted_chain_is_its_server_error_and_not_tried_again(
    ask: Callable[[openai.OpenAI, str], object], client: openai.OpenAI, upstream: Upstream
) -> None:
    with pytest.raises(openai.InternalServerError):
        ask(client, EXHAUSTED)
    assert upstream.models() == [EXHAUSTED] * EXHAUSTED_CALLS


@pytest.mark.shows("fallback")
def test_models_are_the_chain_of_a_form(client: openai.OpenAI, upstream: Upstream) -> None:
    chain = ["sim/status-503", WHISPER]
    own = {"models": chain, "gateway": json.dumps({"retries": 0})}
    assert sha256(RECORDING).hexdigest() in heard(client, chain[0], **own)
    assert upstream.models() == chain


@pytest.mark.shows("fallback")
def test_models_in_extra_body_are_the_chain_of_speech(client: openai.OpenAI, upstream: Upstream) -> None:
    chain = ["sim/status-503", VOICE]
    answer = spoken(client, chain[0], models=chain[1:])
    assert answer.response.headers["x-gateway-model"] == VOICE
    assert upstream.models() == chain
