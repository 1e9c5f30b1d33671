"""Splits a byte stream into server-sent events, without changing or losing a byte.

Source: WHATWG HTML, section 9.2.6 "Interpreting an event stream".
"""

import re

MAX_EVENT_BYTES = 8_388_608  # an image in one event has a few megabytes; more than this is not an answer

# A blank line is two line ends in a row, each CRLF, LF or CR. A CR directly before an LF is part of CRLF.
_BLANK_LINE = re.compile(rb"(?:\r\n|\n|\r(?!\n))(?:\r\n|\n|\r(?!\n))")
_LINE_END = re.compile(rb"\r\n|\n|\r")
BOM = b"\xef\xbb\xbf"


class EventTooLargeError(Exception):
    """An event is longer than ``MAX_EVENT_BYTES`` and has not ended."""


class SseDecoder:
    """Collects the pieces of a byte stream and splits them into events; a piece may end anywhere."""

    def __init__(self) -> None:
        self._incomplete = b""
        self._searched = 0

    def feed(self, piece: bytes) -> list[bytes]:
        """Return the events that ``piece`` completes, each with the blank line that ends it.

        All returned events joined, followed by ``rest``, equal the bytes that were fed.

        Raises:
            EventTooLargeError: an incomplete event is longer than ``MAX_EVENT_BYTES``.
        """
        buffer = self._incomplete + piece if self._incomplete else piece
        events: list[bytes] = []
        start = 0
        if b"\r" in buffer:
            for match in _BLANK_LINE.finditer(buffer, self._searched):
                events.append(buffer[start : match.end()])
                start = match.end()
        else:  # the usual case; this takes a third of the time that the pattern takes
            blank_line = buffer.find(b"\n\n", self._searched)
            while blank_line >= 0:
                events.append(buffer[start : blank_line + 2])
                start = blank_line + 2
                blank_line = buffer.find(b"\n\n", start)
        incomplete_bytes = len(buffer) - start
        self._incomplete = buffer[start:]
        # A piece may end inside a blank line, so the next search begins three bytes before the end.
        self._searched = incomplete_bytes - 3 if incomplete_bytes > 3 else 0
        if incomplete_bytes > MAX_EVENT_BYTES:
            raise EventTooLargeError
        return events

    @property
    def rest(self) -> bytes:
        """The bytes after the last complete event."""
        return self._incomplete


def data_of(event: bytes) -> bytes | None:
    """Return the event's ``data`` lines, joined by LF; None if it has none, such as a comment."""
    one_line = event.startswith(b"data: ") and event.endswith(b"\n\n") and event.count(b"\n") == 2
    if one_line and b"\r" not in event:
        return event[6:-2]  # the common form needs no split
    lines = _LINE_END.split(event.removeprefix(BOM))
    data = [line[5:].removeprefix(b" ") for line in lines if line[:5] == b"data:"]
    return b"\n".join(data) if data else None


def event_of(data: bytes) -> bytes:
    """Return ``data`` as one event; it must not contain a line end."""
    return b"data: " + data + b"\n\n"
