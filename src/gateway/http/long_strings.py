"""Leaves long strings out of JSON before it is parsed, and puts them back: images take megabytes.

A parser copies each string twice. With the long ones left out, an image of 24 MiB is not copied at all.
"""

import re
from itertools import count

from gateway.http.frozen import dataclass
from gateway.http.json_values import JsonObject

# Strings that are at least so long are left out, if they are base64, a data URL, or the like.
LONG_BYTES = 262_144
_STRIDE_BYTES = LONG_BYTES // 2
_PART_BYTES = 1_048_576
_MARK = re.compile(rb"@long-(\d{1,9})-")
_PLAIN = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/=_-:;,.%"


@dataclass(frozen=True, slots=True)
class LongStrings:
    """The strings that were left out of a JSON text.

    Attributes:
        parts: their bytes, in order.
        mark: what the placeholder of each begins with; its number and ``@`` follow.
    """

    parts: tuple[memoryview, ...] = ()
    mark: str = ""

    def restore(self, text: bytes) -> bytes:
        """Return a JSON text with these strings in the places of their placeholders."""
        if not self.parts:
            return text
        pieces: list[bytes | memoryview] = []
        for place, piece in enumerate(re.split(rb"%b(\d{1,4})@" % self.mark.encode(), text)):
            if place % 2 == 0:
                pieces.append(piece)
            elif int(piece) < len(self.parts):
                pieces.append(self.parts[int(piece)])
            else:  # a text that the gateway added looks like a placeholder
                pieces.append(b"%b%b@" % (self.mark.encode(), piece))
        return b"".join(pieces)

    def restore_members(self, payload: JsonObject) -> None:
        """Put the long strings among an object's own members back: its id, its model."""
        for name, value in payload.items() if self.parts else ():
            if isinstance(value, str) and value.startswith(self.mark):
                payload[name] = self.restore(value.encode()).decode()


NONE = LongStrings()


def shorten(raw: bytes) -> tuple[bytes, LongStrings]:
    """Return a JSON text with placeholders for its long strings, and these strings.

    The result is JSON exactly if ``raw`` is, unless that has a number of so many digits: a placeholder is
    legal only inside a string, and what it replaces is legal in any string. Each byte is searched a constant
    number of times.
    """
    if len(raw) < LONG_BYTES:
        return raw, NONE
    places = _long_places(raw)
    if not places:
        return raw, NONE
    view = memoryview(raw)
    ends = [0, *(end for _, end in places)]
    starts = [*(start for start, _ in places), len(raw)]
    kept = [view[end:start] for end, start in zip(ends, starts, strict=True)]
    mark = _unused_mark(kept)
    pieces: list[bytes | memoryview] = [kept[0]]
    for number, each in enumerate(kept[1:]):
        pieces += (b"%b%d@" % (mark, number), each)
    return b"".join(pieces), LongStrings(tuple(view[start:end] for start, end in places), mark.decode())


def _long_places(raw: bytes) -> list[tuple[int, int]]:
    """Return where the long texts between two quotes are that any JSON string may hold as they are.

    A long text covers a multiple of the stride. So the quotes are searched only around these places.
    """
    places = []
    place = _STRIDE_BYTES
    while place < len(raw):
        start = raw.rfind(b'"', max(0, place - _STRIDE_BYTES), place) + 1
        end = raw.find(b'"', place)
        if end < 0:
            break
        if start and end - start >= LONG_BYTES and _is_plain(raw, start, end):
            places.append((start, end))
        place = max(place, end) + _STRIDE_BYTES
    return places


def _is_plain(raw: bytes, start: int, end: int) -> bool:
    return not any(
        raw[place : min(place + _PART_BYTES, end)].translate(None, _PLAIN)
        for place in range(start, end, _PART_BYTES)
    )


def _unused_mark(kept: list[memoryview]) -> bytes:
    """Return a mark that is in none of the parts that are kept. Each of them is searched once."""
    used = {int(found[1]) for each in kept for found in _MARK.finditer(each)}
    number = next(number for number in count() if number not in used)
    return b"@long-%d-" % number
