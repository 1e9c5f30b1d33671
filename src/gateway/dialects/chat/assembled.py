"""Puts a chat stream together to a plain answer. Nothing of it is passed on."""

from gateway.dialects.answer_stream import StreamContext
from gateway.dialects.chat.assemble import Assembly
from gateway.dialects.chat.stream import ChatStream
from gateway.dialects.event_data import EventPayload
from gateway.dialects.read_event import ReadEvent


class AssembledChat(ChatStream):
    """One chat stream that becomes a plain answer; see ``AssembledStream``.

    Args:
        context: see ``StreamContext``.
        assembly: takes the chunks.
    """

    def __init__(self, context: StreamContext, assembly: Assembly) -> None:
        super().__init__(context)
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
