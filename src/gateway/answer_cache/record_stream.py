"""Records a stream while it is sent to the client, so that it can be cached when it is complete."""

from collections.abc import Callable

from gateway.answer_cache.cacheable import MAX_BYTES
from gateway.http.body import Sink, Step, Stream
from gateway.http.frozen import dataclass
from gateway.http.message import Reply


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordedStream:
    """A stream that sends another stream and records its bytes.

    Attributes:
        inner: the stream that is sent.
        on_complete: called with all bytes at the end, unless some were not recorded (after a hand-over, or if
            there are more than ``MAX_BYTES``).
    """

    inner: Stream
    on_complete: Callable[[bytes], None]

    @property
    def hands_over(self) -> bool:
        """Whether its steps may hand over."""
        return self.inner.hands_over

    async def run(self, sink: Sink) -> None:
        """Send the inner stream, and call ``on_complete`` with its bytes if all were recorded."""
        recorder = _Recorder(sink)
        await self.inner.run(recorder)
        if recorder.is_complete:
            self.on_complete(b"".join(recorder.pieces))


class _Recorder:
    """A sink that records bytes, up to ``MAX_BYTES``, and passes them to another; see ``http.body.Sink``."""

    def __init__(self, sink: Sink) -> None:
        self.is_complete = True
        self.pieces: list[bytes] = []
        self._sink = sink
        self._bytes = 0

    @property
    def blocked(self) -> bool:
        return self._sink.blocked

    async def write(self, data: bytes) -> None:
        self.record(data)
        await self._sink.write(data)

    async def relay(self, reply: Reply, step: Step) -> None:
        await self._sink.relay(reply, _RecordedStep(step, self))
        # After a hand-over the runtime passes the bytes to the client: they are not seen here.
        self.is_complete = self.is_complete and not step.hands_over

    def record(self, data: bytes) -> None:
        self._bytes += len(data)
        if self._bytes > MAX_BYTES:
            self.is_complete = False
            self.pieces.clear()
        if self.is_complete and data:
            self.pieces.append(data)


class _RecordedStep:
    """A step whose output is recorded; see ``http.body.Step``."""

    def __init__(self, step: Step, recorder: _Recorder) -> None:
        self._step = step
        self._recorder = recorder

    def take(self, piece: bytes) -> bytes:
        passed = self._step.take(piece)
        self._recorder.record(passed)
        return passed

    @property
    def hands_over(self) -> bool:
        return self._step.hands_over

    @property
    def rest(self) -> bytes:
        return self._step.rest
