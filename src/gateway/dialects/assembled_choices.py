"""Puts a stream with choices together to a plain answer. Nothing of it is passed on."""

from gateway.dialects.answer_stream import StreamContext
from gateway.dialects.choice_assembly import Assembly
from gateway.dialects.choice_stream import ChoiceStream
from gateway.dialects.chunk_shape import ChunkShape
from gateway.dialects.event_data import EventPayload
from gateway.dialects.read_event import ReadEvent


class AssembledChoices(ChoiceStream):
    """One stream that becomes a plain answer; see ``AssembledStream``.

    Args:
        context: see ``StreamContext``.
        shape: shapes the chunks.
        assembly: takes the chunks.
    """

    def __init__(self, context: StreamContext, shape: ChunkShape, assembly: Assembly) -> None:
        super().__init__(context, shape)
        self._assembly = assembly

    def add_repeated(self, read: EventPayload) -> None:
        """Add a chunk that repeats one that needed no change.

        Raises:
            TooMuchError: the answer is too large.
        """
        self._assembly.add(read)

    def to_bytes(self) -> bytes:
        """Return the body of the plain answer.

        Raises:
            TooMuchError: the answer is too large.
        """
        return self._assembly.to_bytes()

    def _send(self, here: ReadEvent) -> bytes:
        self._assembly.add(here.read)
        return b""
