"""The soak's upstream: the bench's, with parts that fail, and counts of the calls that it got.

What is counted is there to be read at ``GET /counts``. A call that its caller must end stays open until that
has happened, however long it takes.
"""

import json
from dataclasses import asdict, dataclass, field

from bench.soak.models import PARTS, Part
from bench.upstream import LAST_CHUNK, Exchange, main, model_in

UNKNOWN = PARTS["soak/404"]


@dataclass(slots=True)
class Counts:
    """Calls for an answer: those that began, and how they ended.

    Attributes:
        ended: all was sent.
        cut: this side closed the connection.
        left: the other side did.
        open: those under way, by model.
    """

    begun: int = 0
    ended: int = 0
    cut: int = 0
    left: int = 0
    open: dict[str, int] = field(default_factory=dict)


COUNTS = Counts()


class Call(Exchange):
    """One connection: calls come one after the other."""

    def __init__(self) -> None:
        super().__init__()
        self._part = UNKNOWN
        self._model: str | None = None  # of the call under way

    def connection_lost(self, error: Exception | None) -> None:
        """Count the call that was under way."""
        super().connection_lost(error)
        if self._model is not None:
            self._is_over()
            COUNTS.left += 1

    def _answer(self, head: bytes, body: bytes) -> None:
        if head.startswith(b"GET /counts "):
            self._send(200, json.dumps(asdict(COUNTS)).encode())
        elif head.startswith(b"GET "):
            super()._answer(head, body)
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
        """Write one piece, or end as the part does; see to it that the next one follows."""
        if self._transport is None or self._is_blocked or not self._is_streaming:
            return
        piece = next(self._unsent, None)
        if piece is not None:
            self._write(self._part.framed(piece))
        # A body of known length is over with its last byte: the next call may be here at once.
        if piece is None or self._part.declared_bytes is not None:
            self._end()
        elif not self._is_blocked:  # else ``resume_writing`` sees to it
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
