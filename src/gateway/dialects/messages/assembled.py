"""Puts a Messages stream together to a plain answer. Nothing of it is passed on."""

from collections.abc import Callable

from gateway.dialects.answer_stream import StreamContext
from gateway.dialects.event_data import EventPayload
from gateway.dialects.messages.assembly import Assembly
from gateway.dialects.messages.stream import MessagesStream
from gateway.dialects.meter import TooMuchError
from gateway.dialects.read_event import ReadEvent
from gateway.http.json_values import JsonObject


class AssembledMessages(MessagesStream):
    """One Messages stream that becomes a plain answer; see ``AssembledStream``.

    Args:
        context: see ``StreamContext``.
        max_bytes: the largest answer.
    """

    def __init__(self, context: StreamContext, max_bytes: int) -> None:
        super().__init__(context)
        self._assembly = Assembly(max_bytes)
        self._is_too_much = False

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
        if self._is_too_much:
            raise TooMuchError
        return self._assembly.to_bytes()

    def end(self, receipt: Callable[[], JsonObject], last: bytes) -> bytes:
        """Return nothing. An end that is too much is a fault of the answer, which ``to_bytes`` raises."""
        try:
            return super().end(receipt, last)
        except TooMuchError:
            self._is_too_much = True
            return b""

    def _write(self, here: ReadEvent) -> bytes:
        self._assembly.take(here.read)
        return b""
