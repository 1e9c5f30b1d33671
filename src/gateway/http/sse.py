"""Server-sent events: bytes in, whole events out, not a byte changed or lost.

Source: WHATWG HTML, section 9.2.6 "Interpreting an event stream".
"""

import re

MAX_EVENT_BYTES = 8_388_608  # an image in one event is a few megabytes; beyond this it is not an answer

# A blank line: two line ends in a row, each CRLF, LF or CR. A CR before an LF is not a line end of its own.
_BLANK_LINE = re.compile(rb"(?:\r\n|\n|\r(?!\n))(?:\r\n|\n|\r(?!\n))")
_LINE_END = re.compile(rb"\r\n|\n|\r")
BOM = b"\xef\xbb\xbf"


class EventTooLargeError(Exception):
    """An event has grown past ``MAX_EVENT_BYTES`` without ending."""


class SseDecoder:
    """Cuts a byte stream into events at their borders, wherever the pieces that arrive were cut."""

    def __init__(self) -> None:
        self._rest = b""
        self._searched = 0

    def feed(self, piece: bytes) -> list[bytes]:
        """Return the events that ``piece`` completes, each with the blank line that ends it.

        The events of all calls, followed by ``rest``, are the bytes that were fed.

        Raises:
            EventTooLargeError: an event does not end.
        """
        buffer = self._rest + piece if self._rest else piece
        events: list[bytes] = []
        start = 0
        if b"\r" in buffer:
            for match in _BLANK_LINE.finditer(buffer, self._searched):
                events.append(buffer[start : match.end()])
                start = match.end()
        else:  # nearly always, and without the pattern at a third of its cost
            blank_line = buffer.find(b"\n\n", self._searched)
            while blank_line >= 0:
                events.append(buffer[start : blank_line + 2])
                start = blank_line + 2
                blank_line = buffer.find(b"\n\n", start)
        rest_bytes = len(buffer) - start
        self._rest = buffer[start:]
        # A blank line may be cut in the middle: look again at the last three bytes, not at all of them.
        self._searched = rest_bytes - 3 if rest_bytes > 3 else 0
        if rest_bytes > MAX_EVENT_BYTES:
            raise EventTooLargeError
        return events

    @property
    def rest(self) -> bytes:
        """The bytes after the last event: an event that is not complete."""
        return self._rest


def data_of(event: bytes) -> bytes | None:
    """Return an event's data, its lines joined by LF; None when it has none, as a comment has none."""
    one_line = event.startswith(b"data: ") and event.endswith(b"\n\n") and event.count(b"\n") == 2
    if one_line and b"\r" not in event:
        return event[6:-2]  # the common form, without a split
    lines = _LINE_END.split(event.removeprefix(BOM))
    data = [line[5:].removeprefix(b" ") for line in lines if line[:5] == b"data:"]
    return b"\n".join(data) if data else None


def event_of(data: bytes) -> bytes:
    """Return ``data``, which holds no line end, as one event."""
    return b"data: " + data + b"\n\n"
