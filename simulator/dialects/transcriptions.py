"""Transcriptions: `POST /audio/transcriptions`, as JSON or as a form with a file."""

import base64
import binascii
import hashlib
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from simulator.answers import Answer, Json
from simulator.dialects.plain import Plain, lacks_text, tallied
from simulator.steps import Tally
from simulator.turn import Turn, tokens_of

_BYTES_PER_S = 16_000
_TOKENS_PER_S = 10
_MAX_FILE_BYTES = 25 * 1024 * 1024
_FORMATS = ("json", "verbose_json")


class Transcriptions(Plain):
    """A text that says the digest and the length of the file that arrived."""

    path = "/audio/transcriptions"
    output = "transcription"
    answer_field = "text"

    def complaint(self, body: Mapping[str, Any]) -> str | None:
        """Refuse a body without a model or a file, a file that is too large, and unknown formats."""
        heard = _heard(body)
        if heard is None:
            return "file: Required" if "file" in body or "input_audio" not in body else "input_audio: Invalid"
        if "file" in body and heard[1] > _MAX_FILE_BYTES:
            return f"file: Expected at most {_MAX_FILE_BYTES} bytes"
        if body.get("response_format", "json") not in _FORMATS:
            return f"response_format: Expected one of {', '.join(_FORMATS)}"
        return lacks_text(body, "model")

    def body(self, turn: Turn, answer: Answer) -> Json:
        """Return the text with its usage; `verbose_json` has segments and times."""
        text, seconds, tally = _text(turn, answer), _seconds(turn), self.tally(turn, answer)
        usage = {
            "seconds": seconds,
            "input_tokens": tally.prompt_tokens,
            "output_tokens": tally.completion_tokens,
            "total_tokens": tally.prompt_tokens + tally.completion_tokens,
            "cost": tally.cost_nano_usd / 1e9,
        }
        verbose = _verbose(turn, text, seconds) if turn.body.get("response_format") == "verbose_json" else {}
        return {"text": text, **verbose, "usage": usage}

    def tally(self, turn: Turn, answer: Answer) -> Tally:
        """Return the tokens of the audio and of the text."""
        tokens = max(1, round(_seconds(turn) * _TOKENS_PER_S))
        return tallied(turn, tokens, tokens_of(len(_text(turn, answer))))


TRANSCRIPTIONS = Transcriptions()


def _text(turn: Turn, answer: Answer) -> str:
    heard = _heard(turn.body)
    if heard is None or not answer.pieces:
        return ""
    return f"Heard {heard[1]} bytes, sha256 {heard[0]}. {answer.content}".rstrip()


def _heard(body: Mapping[str, Any]) -> tuple[str, int] | None:
    """Return the digest and the length of the audio; None if there is none."""
    file, audio = body.get("file"), body.get("input_audio")
    if isinstance(file, dict):
        return file["sha256"], file["bytes"]
    if not isinstance(audio, dict) or not isinstance(audio.get("format"), str):
        return None
    return _heard_in(str(audio.get("data")))


@lru_cache(maxsize=4)  # it is asked for several times in a request, and may be large
def _heard_in(text: str) -> tuple[str, int] | None:
    try:
        data = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return None
    return (hashlib.sha256(data).hexdigest(), len(data)) if data else None


def _seconds(turn: Turn) -> float:
    heard = _heard(turn.body)
    return round(heard[1] / _BYTES_PER_S, 3) if heard else 0.0


def _verbose(turn: Turn, text: str, seconds: float) -> Json:
    segment = {
        "id": 0,
        "seek": 0,
        "start": 0.0,
        "end": seconds,
        "text": text,
        "tokens": [],
        "temperature": 0.0,
    }
    verbose: Json = {
        "task": "transcribe",
        "language": turn.body.get("language", "english"),
        "duration": seconds,
        "segments": [segment] if text else [],
    }
    granularities = turn.body.get("timestamp_granularities[]") or turn.body.get("timestamp_granularities")
    if granularities and "word" in granularities:
        words = text.split()
        step = seconds / max(1, len(words))
        verbose["words"] = [
            {"word": word, "start": round(at * step, 3), "end": round((at + 1) * step, 3)}
            for at, word in enumerate(words)
        ]
    return verbose
