"""Splits a byte stream into server-sent events, without changing or losing a byte.

Source: WHATWG HTML, section 9.2.6 "Interpreting an event stream".
"""

import re

# The default of MAX_ANSWER_BYTES. An image of 24 MiB in base64 fits.
MAX_EVENT_BYTES = 33_554_432
MAX_EVENT_VALUES = 50_000  # of JSON: a token with 20 log probabilities has 200

# A line ends in CRLF, LF or CR. A CR before an LF is not a line end of its own.
_EOL = rb"(?:\r\n|\n|\r(?!\n))"
_LINE_END = re.compile(_EOL)
_BLANK_LINE = re.compile(_EOL + _EOL)
# Comments and blank lines, one after the other: clients ignore them.
_KEEP_ALIVES = re.compile(rb"(?:[\r\n]++|:[^\r\n]*+" + _EOL + _EOL + rb")*+")
_KEEP_ALIVE_BEGINS = b":\r\n"
BOM = b"\xef\xbb\xbf"
# What stands before the colon of a line. A comment has nothing there.
_FIELDS = frozenset({b"", b"data", b"event", b"id", b"retry"})


class EventTooLargeError(Exception):
    """An event is longer than the limit and has not ended."""


class SseDecoder:
    """Collects the pieces of a byte stream and splits them into events; a piece may end anywhere.

    Each byte is copied and searched a constant number of times, however many pieces an event has.
    """

    def __init__(self, max_event_bytes: int = MAX_EVENT_BYTES) -> None:
        self._max_event_bytes = max_event_bytes
        self._held = bytearray()  # the beginning of an event
        self._searched = 0  # up to where there is no blank line in it
        self._has_cr = False

    def feed(self, piece: bytes) -> list[bytes]:
        """Return the events that ``piece`` completes, each with the blank line that ends it.

        Comments and blank lines that follow each other are returned as one event. All returned
        events joined, followed by ``rest``, equal the bytes that were fed.

        Raises:
            EventTooLargeError: an incomplete event is longer than the limit.
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
        if rest_bytes > self._max_event_bytes:
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


def is_one_data_line(event: bytes) -> bool:
    """Return whether an event is one line, ``data: …``, and a blank line, whatever their line ends are."""
    if not event.startswith(b"data: "):
        return False
    if event.find(b"\n") == len(event) - 2 and b"\r" not in event:
        return True
    line = event.rstrip(b"\r\n")
    return b"\n" not in line and b"\r" not in line


def data_of(event: bytes) -> bytes | None:
    """Return the event's ``data`` lines, joined by LF; None if it has none, such as a comment."""
    is_one_line = event.startswith(b"data: ") and event.find(b"\n") == len(event) - 2
    if is_one_line and event.endswith(b"\n\n") and b"\r" not in event:
        return event[6:-2]  # the common form needs no split
    if b"data" not in event:
        return None
    data = [
        line[5:].removeprefix(b" ") for line in _lines_of(event) if line[:5] == b"data:" or line == b"data"
    ]
    return b"\n".join(data) if data else None


def unnamed_lines_of(event: bytes) -> bytes:
    """Return the lines that are neither comments nor fields of an event; clients ignore them."""
    lines = _lines_of(event)
    return b"\n".join(line for line in lines if line.partition(b":")[0] not in _FIELDS)


def is_comment(event: bytes) -> bool:
    """Return whether an event has nothing but comments and blank lines."""
    return all(not line or line[:1] == b":" for line in _lines_of(event))


def _lines_of(event: bytes) -> list[bytes]:
    lines = _LINE_END.split(event) if b"\r" in event else event.split(b"\n")
    lines[0] = lines[0].removeprefix(BOM)
    return lines


def event_of(data: bytes) -> bytes:
    """Return JSON as one event. It may have line ends between its values: they become blanks."""
    return b"data: " + data.replace(b"\n", b" ") + b"\n\n"
