import io
import time
import wave

import httpx
import pytest

from tests.simulator.rig import Rig, fresh_user

PATH = "/audio/speech"


@pytest.mark.parametrize(
    ("response_format", "media_type", "start"),
    [("mp3", "audio/mpeg", b"ID3\x03"), ("wav", "audio/wav", b"RIFF"), ("pcm", "audio/pcm", b"")],
)
def test_audio_has_the_form_that_is_asked_for(
    sim: Rig, response_format: str, media_type: str, start: bytes
) -> None:
    answer = sim.ask(PATH, "sim/ok", response_format=response_format)
    assert answer.headers["content-type"] == media_type
    assert answer.headers["transfer-encoding"] == "chunked"
    assert answer.content.startswith(start)
    assert answer.content == sim.ask(PATH, "sim/ok", response_format=response_format).content
    for other in ({"input": "Dogs bark."}, {"voice": "nova"}):
        assert sim.ask(PATH, "sim/ok", response_format=response_format, **other).content != answer.content


def test_a_wav_file_can_be_read(sim: Rig) -> None:
    content = sim.ask(PATH, "sim/ok", response_format="wav").content
    with wave.open(io.BytesIO(content)) as audio:
        assert (audio.getnchannels(), audio.getsampwidth(), audio.getframerate()) == (1, 2, 24_000)
        assert audio.getnframes() == len("A cat sat on the mat.") * 1_200


def test_a_character_of_the_input_is_what_costs(sim: Rig) -> None:
    answer = sim.ask(PATH, "mistralai/voxtral-mini-tts-2603", input="x" * 100)
    generation = sim.get(f"/api/v1/generation?id={answer.headers['x-generation-id']}")["data"]
    assert generation["total_cost"] == pytest.approx(100 * 0.000016)


def test_audio_can_come_in_pieces_over_time(sim: Rig) -> None:
    body = {"model": "sim/drip-10ms", "input": "Rain fell.", "voice": "alloy"}
    begun_s, pieces, first_s = time.monotonic(), b"", 0.0
    with sim.client.stream("POST", sim.url + PATH, json=body) as answer:
        for piece in answer.iter_raw():
            first_s = first_s or time.monotonic() - begun_s
            pieces += piece
    assert time.monotonic() - begun_s >= 0.2 > 2 * first_s
    assert len(pieces) == 24_000


def _received(sim: Rig, model: str, user: str, timeout_s: float = 5) -> tuple[int, bool]:
    """Return how many bytes arrived, and whether the connection failed (and not only fell silent)."""
    body = {"model": model, "input": "Rain fell.", "voice": "alloy", "user": user}
    received = 0
    try:
        with sim.client.stream("POST", sim.url + PATH, json=body, timeout=timeout_s) as answer:
            for piece in answer.iter_raw():
                received += len(piece)
    except httpx.ReadTimeout:
        return received, False
    except httpx.TransportError:
        return received, True
    raise AssertionError("the audio is complete")


@pytest.mark.parametrize(
    ("model", "size", "outcome"),
    [
        ("sim/reset-bytes-1000", 1_000, "reset"),
        ("sim/close-bytes-1000", 1_000, "closed"),
        ("sim/reset-bytes-0", 0, "reset"),
        ("sim/reset-after", 12_000, "reset"),
    ],
)
def test_audio_can_be_cut_by_an_aborted_connection(sim: Rig, model: str, size: int, outcome: str) -> None:
    user = fresh_user()
    assert _received(sim, model, user) == (size, True)
    assert (sim.ended(user)["outcome"], sim.ended(user)["cost_usd"]) == (outcome, 0)


def test_audio_can_stall_after_some_bytes(sim: Rig) -> None:
    user = fresh_user()
    assert _received(sim, "sim/stall-bytes-7", user, timeout_s=0.3) == (7, False)
    assert sim.ended(user)["outcome"] == "cancelled"


def test_the_type_can_be_wrong(sim: Rig) -> None:
    answer = sim.ask(PATH, "sim/audio-untyped")
    assert answer.headers["content-type"] == "application/octet-stream"
    assert answer.content == sim.ask(PATH, "sim/audio-untyped").content != b""


def test_an_unknown_format_is_refused(sim: Rig) -> None:
    answer = sim.ask(PATH, "sim/ok", response_format="opus")
    assert answer.json()["error"]["message"] == "response_format: Expected one of pcm, mp3, wav"
