"""Sends a stream that requests share to one of its readers: from the beginning, and then as it grows."""

from collections.abc import Awaitable, Callable
from typing import Protocol

from gateway.http.body import Sink
from gateway.http.frozen import dataclass
from gateway.http.message import ClientGoneError
from gateway.memory.shared_answers import BeginningLostError, SharedAnswer


class LostError(Exception):
    """The request that asked for the answer has been dropped by the runtime."""


class Change(Protocol):
    """Changes an answer for one of its readers."""

    def __call__(self, data: bytes, *, is_last: bool) -> bytes:
        """Return what the client gets for these bytes; no more follow if they are the last ones."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SharedStream:
    """The response body of one reader; see ``http.body.Stream``.

    Attributes:
        answer: the answer.
        reader: the reader's number.
        wait: returns when there may be more to read. Raises ``LostError``.
        change: changes the answer for the reader's client.
        lost: returns the last bytes for a client that cannot get the rest.
        on_end: called with the outcome when the stream has ended for this reader.
        now_s: returns Unix time in seconds.
    """

    answer: SharedAnswer
    reader: int
    wait: Callable[[], Awaitable[None]]
    change: Change
    lost: Callable[[], bytes]
    on_end: Callable[[str], None]
    now_s: Callable[[], float]

    @property
    def hands_over(self) -> bool:
        """True, although nothing is handed over: so ``write`` waits until the client has taken the bytes."""
        return True

    async def run(self, sink: Sink) -> None:
        """Send the answer until it ends, or the client leaves."""
        outcome = "client_gone"
        try:
            outcome = await self._send(sink)
        except ClientGoneError:
            pass
        finally:
            self.answer.detach(self.reader, now_s=self.now_s())
            self.on_end(outcome)

    async def _send(self, sink: Sink) -> str:
        """Return the outcome."""
        try:
            while True:
                has_ended = self.answer.has_ended  # asked before reading: nothing is added after the end
                data = self.answer.read(self.reader)
                if changed := self.change(data, is_last=has_ended):
                    await sink.write(changed)
                if has_ended:
                    return self.answer.outcome
                if not data:
                    await self.wait()
        except (BeginningLostError, LostError):
            await sink.write(self.lost())
            return "repeat_lost"
