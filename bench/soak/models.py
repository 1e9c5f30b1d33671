"""The models of the soak's upstream: how each answers, is cut off, or hangs."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from itertools import chain, cycle
from types import MappingProxyType
from typing import Literal, TypeAlias

from bench.bodies import STREAM_FLAT, TEXTS, answers, events, unavailable
from gateway.http.json_values import Json

Ending: TypeAlias = Literal["whole", "cut", "open"]
"""The call ends; the connection is closed before the reply is complete; or nothing more is sent."""

SHORT_EVENTS, BROKEN_EVENTS = 20, 5
"""The number of events with text: in a short stream, and before a stream is cut off."""
DRIP_S, COMMENT_S, SLOW_S = 0.01, 0.02, 0.08
RETRY_AFTER_S = 2
"""The Retry-After of ``soak/429``: too long for the gateway to wait if there is another model."""
COMMENT = b": OPENROUTER PROCESSING\n\n"
SSE = "text/event-stream"


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """The reply of a model.

    Attributes:
        pieces: the pieces of the body: events, possibly endless; a single piece if the length is declared.
        declared_bytes: the content-length; None for a chunked body.
        pause_s: the pause before each piece, in seconds.
        says_nothing: whether not even the headers are sent.
    """

    status: int = 200
    type: str = "application/json"
    headers: Mapping[str, str] = field(default_factory=dict)
    pieces: Iterable[bytes] = ()
    declared_bytes: int | None = None
    pause_s: float = 0.0
    ending: Ending = "whole"
    says_nothing: bool = False

    def head(self) -> bytes:
        """Return the status line and the headers."""
        framing = (
            "transfer-encoding: chunked"
            if self.declared_bytes is None
            else f"content-length: {self.declared_bytes}"
        )
        named = [f"{name}: {value}" for name, value in self.headers.items()]
        lines = [f"HTTP/1.1 {self.status} Status", f"content-type: {self.type}", *named, framing]
        return "\r\n".join(lines).encode() + b"\r\n\r\n"

    def framed(self, piece: bytes) -> bytes:
        """Return a piece with its framing."""
        return piece if self.declared_bytes is not None else b"%x\r\n%b\r\n" % (len(piece), piece)


def _complete(body: bytes, *, status: int = 200, **more: object) -> Part:
    return Part(status=status, pieces=(body,), declared_bytes=len(body), **more)  # type: ignore[arg-type]


def _stream(pieces: Iterable[bytes], *, ending: Ending = "whole", pause_s: float = 0.0) -> Part:
    return Part(type=SSE, pieces=pieces, ending=ending, pause_s=pause_s)


def _error(code: int) -> bytes:
    return _dump({"error": {"code": code, "message": "Provider returned error", "metadata": {}}})


def _event(payload: Json) -> bytes:
    return b"data: " + _dump(payload) + b"\n\n"


def _dump(value: Json) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode()


ANSWER = answers()["bench/1k"](0)
HALF = ANSWER[: len(ANSWER) // 2]
SHORT = events(SHORT_EVENTS)
BEGUN = SHORT[:BROKEN_EVENTS]
FINISH_AND_USAGE = SHORT[SHORT_EVENTS : SHORT_EVENTS + 2]
FAILED = _event({"id": "gen-1", "error": {"code": 502, "message": "Provider disconnected"}, "choices": []})

PARTS: Mapping[str, Part] = MappingProxyType(
    {
        # healthy models
        **{model: _complete(make(0)) for model, make in answers().items()},
        "soak/slow": _complete(ANSWER, pause_s=SLOW_S),
        "soak/stream": _stream(SHORT),
        STREAM_FLAT: _stream(events()),
        "soak/drip": _stream(chain(BEGUN, cycle(BEGUN)), pause_s=DRIP_S),
        # models that fail before their answer begins
        "soak/429": _complete(_error(429), status=429, headers={"retry-after": str(RETRY_AFTER_S)}),
        "soak/500": _complete(_error(500), status=500),
        "soak/503": _complete(unavailable(), status=503),
        "soak/404": _complete(_error(404), status=404),
        "soak/html": _complete(b"<!doctype html><title>One moment</title>", type="text/html"),
        "soak/empty": _complete(ANSWER.replace(TEXTS["bench/1k"].encode(), b"")),
        "soak/half-json": _complete(HALF),
        "soak/cut-body": Part(pieces=(HALF,), declared_bytes=len(ANSWER), ending="cut"),
        "soak/hang-up": Part(says_nothing=True, ending="cut"),
        "soak/hang": Part(says_nothing=True, ending="open"),
        "soak/hang-body": Part(pieces=(HALF,), declared_bytes=len(ANSWER), ending="open"),
        "soak/empty-stream": _stream([*FINISH_AND_USAGE, SHORT[-1]]),
        "soak/error-first": _stream([COMMENT, FAILED]),
        "soak/comments": _stream(cycle([COMMENT]), pause_s=COMMENT_S),
        # streams that fail after they have begun
        "soak/error-mid": _stream([*BEGUN, FAILED]),
        "soak/cut-mid": _stream(BEGUN, ending="cut"),
        "soak/stall-mid": _stream(BEGUN, ending="open"),
        "soak/no-finish": _stream([*BEGUN, SHORT[-1]]),
    }
)
