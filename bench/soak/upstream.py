"""The soak's upstream: the bench's upstream with models that fail, and with counts of its calls.

``GET /counts`` returns the counts. A call that its caller must end stays open until then, without a time
limit.
"""

import json
from dataclasses import asdict, dataclass, field

from bench.soak.models import PARTS, Part
from bench.upstream import LAST_CHUNK, Exchange, main, model_in

UNKNOWN = PARTS["soak/404"]


@dataclass(slots=True)
class Counts:
    """The counts of calls: how many began, and how they ended.

    Attributes:
        ended: the complete reply was sent.
        cut: the upstream closed the connection.
        left: the caller closed the connection.
        open: calls in flight, by model.
    """

    begun: int = 0
    ended: int = 0
    cut: int = 0
    left: int = 0
    open: dict[str, int] = field(default_factory=dict)


COUNTS = Counts()


class Call(Exchange):
    """One connection: it handles calls one after the other."""

    def __init__(self) -> None:
        super().__init__()
        self._part = UNKNOWN
        self._model: str | None = None  # of the call in flight

    def connection_lost(self, error: Exception | None) -> None:
        """Count the call that was in flight."""
        super().connection_lost(error)
        if self._model is not None:
            self._is_over()
            COUNTS.left += 1

    def _answer(self, headers: bytes, body: bytes) -> None:
        if headers.startswith(b"GET /counts "):
            self._send(200, json.dumps(asdict(COUNTS)).encode())
        elif headers.startswith(b"GET "):
            super()._answer(headers, body)
        else:
            self._model = model_in(body)
            COUNTS.begun += 1
            COUNTS.open[self._model] = COUNTS.open.get(self._model, 0) + 1
            self._play(PARTS.get(self._model, UNKNOWN))

    def _play(self, part: Part) -> None:
        self._part, self._unsent = part, iter(part.pieces)
        self._pace_s, self._is_streaming = part.pause_s, True
        if not part.says_nothing:
            self._write(part.head())
        self._loop.call_later(self._pace_s, self._send_next)

    def _send_next(self) -> None:
        """Write one piece and schedule the next one; at the end, finish as the part says."""
        if self._transport is None or self._is_blocked or not self._is_streaming:
            return
        piece = next(self._unsent, None)
        if piece is not None:
            self._write(self._part.framed(piece))
        # A body with a declared length ends with its last byte: the next call may arrive at once.
        if piece is None or self._part.declared_bytes is not None:
            self._end()
        elif not self._is_blocked:  # otherwise ``resume_writing`` continues
            self._loop.call_later(self._pace_s, self._send_next)

    def _end(self) -> None:
        self._is_streaming = False
        if self._part.ending == "open":
            return
        self._is_over()
        if self._part.ending == "whole":
            COUNTS.ended += 1
            if self._part.declared_bytes is None:
                self._write(LAST_CHUNK)
        elif self._transport is not None:
            COUNTS.cut += 1
            self._transport.close()

    def _is_over(self) -> None:
        assert self._model is not None
        COUNTS.open[self._model] -= 1
        self._model = None


if __name__ == "__main__":
    main(Call)
