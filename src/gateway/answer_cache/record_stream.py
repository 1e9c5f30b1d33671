"""A stream that is recorded while it goes to its client, to be kept once it has ended well."""

from collections.abc import Callable

from gateway.answer_cache.cacheable import MAX_BYTES
from gateway.http.body import Sink, Step, Stream
from gateway.http.frozen import dataclass
from gateway.http.message import Reply


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordedStream:
    """Another stream, and ``on_whole``, which is given all its bytes if they were all seen."""

    inner: Stream
    on_complete: Callable[[bytes], None]

    @property
    def hands_over(self) -> bool:
        """Whether its steps may hand over."""
        return self.inner.hands_over

    async def run(self, sink: Sink) -> None:
        """Send the whole body, and keep a copy."""
        recorder = _Recorder(sink)
        await self.inner.run(recorder)
        if recorder.is_complete:
            self.on_complete(b"".join(recorder.pieces))


class _Recorder:
    """A sink before another, see ``body.Sink``: everything that passes is remembered, up to a size."""

    def __init__(self, sink: Sink) -> None:
        self.is_complete = True
        self.pieces: list[bytes] = []
        self._sink = sink
        self._bytes = 0

    @property
    def blocked(self) -> bool:
        return self._sink.blocked

    async def write(self, data: bytes) -> None:
        self.remember(data)
        await self._sink.write(data)

    async def relay(self, reply: Reply, step: Step) -> None:
        await self._sink.relay(reply, _RecordedStep(step, self))
        self.is_complete = self.is_complete and not step.hands_over  # the rest was not seen

    def remember(self, data: bytes) -> None:
        self._bytes += len(data)
        if self._bytes > MAX_BYTES:
            self.is_complete = False
            self.pieces.clear()
        if self.is_complete and data:
            self.pieces.append(data)


class _RecordedStep:
    """A step whose output is remembered; see ``body.Step``."""

    def __init__(self, step: Step, recorder: _Recorder) -> None:
        self._step = step
        self._recorder = recorder

    def take(self, piece: bytes) -> bytes:
        passed = self._step.take(piece)
        self._recorder.remember(passed)
        return passed

    @property
    def hands_over(self) -> bool:
        return self._step.hands_over

    @property
    def rest(self) -> bytes:
        return self._step.rest
