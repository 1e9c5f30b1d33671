"""Splits a byte stream into server-sent events, without changing or losing a byte.

Source: WHATWG HTML, section 9.2.6 "Interpreting an event stream".
"""

import re

MAX_EVENT_BYTES = 8_388_608  # an image in one event has a few megabytes; more than this is not an answer
MAX_EVENT_VALUES = 50_000  # of JSON: a token with 20 log probabilities has 200

# A line ends in CRLF, LF or CR. A CR before an LF is not a line end of its own.
_EOL = rb"(?:\r\n|\n|\r(?!\n))"
_LINE_END = re.compile(_EOL)
_BLANK_LINE = re.compile(_EOL + _EOL)
# Comments and blank lines, one after the other: clients ignore them.
_KEEP_ALIVES = re.compile(rb"(?:[\r\n]++|:[^\r\n]*+" + _EOL + _EOL + rb")*+")
_KEEP_ALIVE_BEGINS = b":\r\n"
BOM = b"\xef\xbb\xbf"


class EventTooLargeError(Exception):
    """An event is longer than ``MAX_EVENT_BYTES`` and has not ended."""


class SseDecoder:
    """Collects the pieces of a byte stream and splits them into events; a piece may end anywhere.

    Each byte is copied and searched a constant number of times, however many pieces an event has.
    """

    def __init__(self) -> None:
        self._held = bytearray()  # the beginning of an event
        self._searched = 0  # up to where there is no blank line in it
        self._has_cr = False

    def feed(self, piece: bytes) -> list[bytes]:
        """Return the events that ``piece`` completes, each with the blank line that ends it.

        Comments and blank lines that follow each other are returned as one event. All returned
        events joined, followed by ``rest``, equal the bytes that were fed.

        Raises:
            EventTooLargeError: an incomplete event is longer than ``MAX_EVENT_BYTES``.
        """
        held, buffer = self._held, piece
        if not held and 0 <= piece.find(b"\n\n") == len(piece) - 2 and b"\r" not in piece:
            return [piece]  # most pieces are one event
        if held:
            held += piece
            buffer = held  # type: ignore[assignment]  # it is read only
        has_cr = self._has_cr or b"\r" in piece
        events, end = _cut(buffer, self._searched, has_cr=has_cr)
        rest_bytes = len(buffer) - end
        if held:
            del held[:end]
        elif rest_bytes:
            held += piece[end:]
        self._has_cr = has_cr if not end else b"\r" in held
        # A blank line may be cut in the middle: look again at the last three bytes, not at all of them.
        self._searched = max(0, rest_bytes - 3)
        if rest_bytes > MAX_EVENT_BYTES:
            raise EventTooLargeError
        return events

    @property
    def rest(self) -> bytes:
        """The bytes after the last complete event."""
        return bytes(self._held)


def _cut(buffer: bytes, searched: int, *, has_cr: bool) -> tuple[list[bytes], int]:
    """Return the events in a buffer, and where the last one ends.

    Args:
        buffer: bytes that begin with an event.
        searched: up to where there is no blank line.
        has_cr: whether a line may end in CR.
    """
    events: list[bytes] = []
    start = 0
    end = _blank_line_end(buffer, searched, has_cr=has_cr)
    while end:
        if buffer[start] in _KEEP_ALIVE_BEGINS:
            run = _KEEP_ALIVES.match(buffer, start)
            end = max(end, run.end() if run else 0)
        events.append(bytes(memoryview(buffer)[start:end]) if start or end < len(buffer) else bytes(buffer))
        start = end
        end = _blank_line_end(buffer, start, has_cr=has_cr)
    return events, start


def _blank_line_end(buffer: bytes, start: int, *, has_cr: bool) -> int:
    """Return where the first blank line ends; 0 if there is none."""
    if has_cr:
        found = _BLANK_LINE.search(buffer, start)
        return found.end() if found else 0
    place = buffer.find(b"\n\n", start)
    return place + 2 if place >= 0 else 0


def data_of(event: bytes) -> bytes | None:
    """Return the event's ``data`` lines, joined by LF; None if it has none, such as a comment."""
    has_cr = b"\r" in event
    is_one_line = event.startswith(b"data: ") and event.find(b"\n") == len(event) - 2
    if is_one_line and event.endswith(b"\n\n") and not has_cr:
        return event[6:-2]  # the common form needs no split
    if b"data" not in event:
        return None
    lines = _LINE_END.split(event) if has_cr else event.split(b"\n")
    lines[0] = lines[0].removeprefix(BOM)
    data = [line[5:].removeprefix(b" ") for line in lines if line[:5] == b"data:"]
    return b"\n".join(data) if data else None


def event_of(data: bytes) -> bytes:
    """Return ``data`` as one event; it must not contain a line end."""
    return b"data: " + data + b"\n\n"
