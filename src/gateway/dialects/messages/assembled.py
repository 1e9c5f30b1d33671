"""Puts a Messages stream together to a plain answer. Nothing of it is passed on."""

from gateway.dialects.answer_stream import StreamContext
from gateway.dialects.event_data import EventPayload
from gateway.dialects.messages.assembly import Assembly
from gateway.dialects.messages.stream import MessagesStream
from gateway.dialects.read_event import ReadEvent


class AssembledMessages(MessagesStream):
    """One Messages stream that becomes a plain answer; see ``AssembledStream``.

    Args:
        context: see ``StreamContext``.
        max_bytes: the largest answer.
    """

    def __init__(self, context: StreamContext, max_bytes: int) -> None:
        super().__init__(context)
        self._assembly = Assembly(max_bytes)

    def add_repeated(self, read: EventPayload) -> None:
        """Add an event that repeats one that needed no change.

        Raises:
            TooMuchError: the answer is too large.
        """
        self._assembly.take(read)

    def to_bytes(self) -> bytes:
        """Return the body of the plain answer.

        Raises:
            TooMuchError: the answer is too large.
            AttemptFailedError: the input of a tool is not a JSON object.
        """
        return self._assembly.to_bytes()

    def _write(self, here: ReadEvent) -> bytes:
        self._assembly.take(here.read)
        return b""
