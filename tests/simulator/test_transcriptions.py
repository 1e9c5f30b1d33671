import hashlib
from collections.abc import Mapping

import httpx
import pytest

from simulator.form import Part, parts_of
from tests.simulator.rig import AUDIO, Rig

PATH = "/audio/transcriptions"
HEARD = f"Heard {len(AUDIO)} bytes, sha256 {hashlib.sha256(AUDIO).hexdigest()}."


def _form(
    sim: Rig, model: str, data: bytes = AUDIO, fields: Mapping[str, object] | None = None
) -> httpx.Response:
    files = {"file": ("speech.wav", data, "audio/wav")}
    return sim.client.post(sim.url + PATH, data={"model": model, **(fields or {})}, files=files)


def test_the_text_says_what_arrived_as_json_or_as_a_form(sim: Rig) -> None:
    plain, form = sim.ask(PATH, "sim/ok").json(), _form(sim, "sim/ok").json()
    assert plain == form
    assert plain["text"].startswith(HEARD)
    assert plain["usage"]["seconds"] == 1.6
    assert plain["usage"]["total_tokens"] == plain["usage"]["input_tokens"] + plain["usage"]["output_tokens"]


@pytest.mark.parametrize("data", [b"\r\n", b"\r\n\r\n--", b"\n\0\r--x--\r\n", AUDIO * 50])
def test_a_file_arrives_byte_for_byte(sim: Rig, data: bytes) -> None:
    text = _form(sim, "sim/ok", data).json()["text"]
    assert text.startswith(f"Heard {len(data)} bytes, sha256 {hashlib.sha256(data).hexdigest()}.")


def test_the_journal_shows_the_fields_of_a_form_and_a_file_by_its_digest(sim: Rig) -> None:
    fields = {"user": "somebody-with-a-form", "timestamp_granularities[]": ["word", "segment"]}
    _form(sim, "sim/ok", fields=fields)
    entry = sim.one("somebody-with-a-form")
    assert entry["form"] == [
        {"name": "model", "value": "sim/ok"},
        {"name": "user", "value": "somebody-with-a-form"},
        {"name": "timestamp_granularities[]", "value": "word"},
        {"name": "timestamp_granularities[]", "value": "segment"},
        {
            "name": "file",
            "filename": "speech.wav",
            "content_type": "audio/wav",
            "bytes": len(AUDIO),
            "sha256": hashlib.sha256(AUDIO).hexdigest(),
        },
    ]
    assert entry["body"] is None
    assert entry["model"] == "sim/ok"
    assert entry["body_keys"] == ["model", "user", "timestamp_granularities[]", "file"]


def test_verbose_json_has_segments_and_words_if_asked_for(sim: Rig) -> None:
    verbose = sim.ask(PATH, "sim/ok", response_format="verbose_json", language="en").json()
    assert (verbose["task"], verbose["language"], verbose["duration"]) == ("transcribe", "en", 1.6)
    assert verbose["segments"][0]["text"] == verbose["text"]
    assert "words" not in verbose
    asked = {"response_format": "verbose_json", "timestamp_granularities[]": ["word"]}
    both = _form(sim, "sim/ok", fields=asked).json()
    assert [word["word"] for word in both["words"]] == both["text"].split()


def test_silence_is_an_empty_text(sim: Rig) -> None:
    for answer in (sim.ask(PATH, "sim/empty"), _form(sim, "sim/empty")):
        assert answer.json()["text"] == ""
        assert answer.json()["usage"]["cost"] > 0


def test_a_behaviour_works_for_a_form_too(sim: Rig) -> None:
    assert _form(sim, "sim/status-503").status_code == 503
    assert _form(sim, "sim/tools").json()["error"]["message"] == f"sim/tools has no meaning at {PATH}"


@pytest.mark.parametrize("response_format", ["text", "srt", "vtt"])
def test_other_formats_are_refused(sim: Rig, response_format: str) -> None:
    answer = sim.ask(PATH, "sim/ok", response_format=response_format)
    assert (answer.status_code, answer.json()["error"]["message"]) == (
        400,
        "response_format: Expected one of json, verbose_json",
    )


def test_a_file_that_is_missing_broken_or_too_large_is_refused(sim: Rig) -> None:
    def message(answer: httpx.Response) -> str:
        assert answer.status_code == 400
        return str(answer.json()["error"]["message"])

    no_file = sim.client.post(sim.url + PATH, files={"model": (None, "sim/ok")})
    assert message(no_file) == "file: Required"
    assert "model: Required" in message(sim.client.post(sim.url + PATH, files={"file": ("a.wav", b"x")}))
    for audio in ({"data": "?", "format": "wav"}, {"data": "", "format": "wav"}, {"data": "QUJD"}, "QUJD"):
        assert message(sim.ask(PATH, "sim/ok", input_audio=audio)) == "input_audio: Invalid"
    large = _form(sim, "sim/ok", bytes(25 * 1024 * 1024 + 1))
    assert message(large) == "file: Expected at most 26214400 bytes"


def test_a_form_is_read_by_its_boundary_or_not_at_all() -> None:
    kind = 'multipart/form-data; boundary="b c"'
    head = b'--b c\r\nContent-Disposition: form-data; name="a"\r\n\r\n'
    assert parts_of(head + b"1\r\n\r\n--b\r\n--b c--\r\n", kind) == [Part("a", None, None, b"1\r\n\r\n--b")]
    for broken in (b"", head + b"1", b"--b c--", b"--b c\r\n\r\n1\r\n--b c--", head + b"1\r\n--b c"):
        assert not parts_of(broken, kind)
    assert parts_of(head, "multipart/form-data") is None
