"""Speech: `POST /audio/speech`. The answer is raw audio: no JSON, no events, no usage."""

import hashlib
import struct
from collections.abc import Callable, Mapping
from typing import Any

from simulator.answers import Answer, Json
from simulator.dialects.plain import USUAL_CHARACTERS, Plain, lacks_text, tallied
from simulator.steps import Tally
from simulator.turn import Turn

_SAMPLES_PER_S = 24_000
_BYTES_PER_CHARACTER = 2_400  # 50 ms
_MAX_SPOKEN_BYTES = 4_000_000
# A frame of MPEG-1 layer III with 128 kbit/s and 44.1 kHz has 417 bytes; without data it is silence.
_MP3_FRAME = b"\xff\xfb\x90\x64" + bytes(413)


class Speech(Plain):
    """Audio that depends on the model, the voice and the input only."""

    path = "/audio/speech"
    output = "speech"

    def complaint(self, body: Mapping[str, Any]) -> str | None:
        """Refuse a body without a model or a text, and unknown formats."""
        if body.get("response_format", "pcm") not in _FORMATS:
            return f"response_format: Expected one of {', '.join(_FORMATS)}"
        return lacks_text(body, "model", "input")

    def body(self, _turn: Turn, _answer: Answer) -> Json:
        """Return nothing: there is no JSON in audio."""
        return {}

    def payload(self, turn: Turn, answer: Answer) -> bytes:
        """Return the audio: as long as the input needs, or as large as an answer of unusual length."""
        if not answer.pieces:
            return b""
        size = min(len(turn.body["input"]) * _BYTES_PER_CHARACTER, _MAX_SPOKEN_BYTES)
        length = len(answer.content or "")
        if length == 0 or length > USUAL_CHARACTERS:
            size = length // 2 * 2  # a sample has two bytes
        return _FORMATS[_format(turn)][1](_seed(turn), size)

    def media_type(self, turn: Turn) -> str:
        """Return the type of the audio."""
        return _FORMATS[_format(turn)][0]

    def tally(self, turn: Turn, answer: Answer) -> Tally:
        """Return one token for each character of the input: OpenRouter's price is for characters."""
        return tallied(turn, len(turn.body["input"]) if answer.pieces else 0)


SPEECH = Speech()


def pcm(seed: bytes, size: int) -> bytes:
    """Return 16-bit samples."""
    return hashlib.shake_256(seed).digest(size)


def wav(seed: bytes, size: int) -> bytes:
    """Return the samples as a WAV file with one channel."""
    rate = (_SAMPLES_PER_S, _SAMPLES_PER_S * 2)
    form = struct.pack("<4sIHHIIHH", b"fmt ", 16, 1, 1, *rate, 2, 16)
    return (
        struct.pack("<4sI4s", b"RIFF", 36 + size, b"WAVE")
        + form
        + struct.pack("<4sI", b"data", size)
        + pcm(seed, size)
    )


def mp3(seed: bytes, size: int) -> bytes:
    """Return silent MP3 frames behind an ID3 tag that has the seed's digest."""
    private = b"simulator\0" + hashlib.sha256(seed).digest()
    frame = struct.pack(">4sIH", b"PRIV", len(private), 0) + private
    tag = struct.pack(">3sBBB4B", b"ID3", 3, 0, 0, 0, 0, 0, len(frame)) + frame
    return tag + _MP3_FRAME * max(1, size // len(_MP3_FRAME))


_FORMATS: Mapping[str, tuple[str, Callable[[bytes, int], bytes]]] = {
    "pcm": ("audio/pcm", pcm),
    "mp3": ("audio/mpeg", mp3),
    "wav": ("audio/wav", wav),
}


def _format(turn: Turn) -> str:
    return str(turn.body.get("response_format", "pcm"))


def _seed(turn: Turn) -> bytes:
    return f"{turn.model}\0{turn.body.get('voice')}\0{turn.body['input']}".encode()
