"""Leaves long strings out of JSON before it is parsed, and puts them back: images and texts take megabytes.

A parser copies each string twice, and with one emoji in it four times as large. Without the long ones, a body
of 24 MiB is not copied at all.
"""

import json
import re
from collections.abc import Callable
from itertools import count

from gateway.http.frozen import dataclass
from gateway.http.json_bytes import check_utf8
from gateway.http.json_values import Json, JsonObject

# Strings that are at least so long are left out, if they are base64, a data URL, or the like.
LONG_BYTES = 262_144
# From this size on, the ends of all long strings are left out. A smaller text stays below the memory that a
# request may take even if it is copied and widened, and is parsed in half of the time.
TEXTS_FROM_BYTES = 2_097_152
_STRIDE_BYTES = LONG_BYTES // 2
PART_BYTES = 131_072
_MARK = re.compile(rb"@long-(\d{1,9})-")
# A mark, with any of its characters as an escape.
_SPELLED_MARK = re.compile(
    rb"(?:@|\\u0040)(?:l|\\u006[cC])(?:o|\\u006[fF])(?:n|\\u006[eE])(?:g|\\u0067)(?:-|\\u002[dD])"
    rb"((?:[0-9]|\\u003[0-9]){1,9}+)(?:-|\\u002[dD])"
)
_PLAIN = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/=_-:;,.%"
_NUMBER = rb"(\d{1,6})"


@dataclass(frozen=True, slots=True)
class LongStrings:
    """The strings, or the ends of strings, that were left out of a JSON text.

    Attributes:
        parts: their bytes, in order.
        mark: what the placeholder of each begins with; its number and ``closing`` follow.
        places: where each was in the text.
        closing: how each placeholder ends. With a quote here and in ``mark``, complete values were left out.
    """

    parts: tuple[memoryview, ...] = ()
    mark: str = ""
    places: tuple[tuple[int, int], ...] = ()
    closing: str = "@"

    def pieces(self, text: bytes) -> list[bytes | memoryview]:
        """Return a JSON text in pieces, with these strings in the places of their placeholders."""
        if not self.parts:
            return [text]
        mark, closing = self.mark.encode(), self.closing.encode()
        pieces: list[bytes | memoryview] = []
        for place, piece in enumerate(re.split(b"%b%b%b" % (mark, _NUMBER, closing), text)):
            if place % 2 == 0:
                pieces.append(piece)
            elif int(piece) < len(self.parts):
                pieces.append(self.parts[int(piece)])
            else:  # a text that the gateway added looks like a placeholder
                pieces.append(b"%b%b%b" % (mark, piece, closing))
        return pieces

    def restore(self, text: bytes) -> bytes:
        """Return a JSON text with these strings in the places of their placeholders."""
        return b"".join(self.pieces(text)) if self.parts else text

    def restore_members(self, payload: JsonObject) -> None:
        """Put the long strings among an object's own members back: its id, its model."""
        for name, value in payload.items() if self.parts else ():
            if isinstance(value, str) and self.mark in value:
                payload[name] = self.restored(value)

    def restored(self, value: str) -> str:
        """Return a string of the parsed text with what was left out of it."""
        if not self.parts or self.mark not in value:
            return value
        text = self.restore(json.dumps(value, ensure_ascii=False).encode("utf-8", "surrogatepass"))
        found: str = json.loads(text.decode("utf-8", "surrogatepass"))
        return found

    def split(self, value: str) -> tuple[str, memoryview | None]:
        """Return a string of the parsed text, and the end that was left out of it; None if none was."""
        beginning, mark, number = value[:-1].rpartition(self.mark) if self.parts else ("", "", "")
        if not mark or not number.isdecimal() or int(number) >= len(self.parts) or value[-1] != "@":
            return value, None
        return beginning, self.parts[int(number)]

    def value(self, placeholder: Json) -> memoryview | None:
        """Return the complete value that was left out in the place of this one; None if none was."""
        begin, end = self.mark[1:], self.closing[:-1]
        if not self.parts or not isinstance(placeholder, str) or not placeholder.startswith(begin):
            return None
        number = placeholder[len(begin) : -len(end)]
        return self.parts[int(number)] if number.isdecimal() and int(number) < len(self.parts) else None

    def to_complete(self) -> Callable[[int], int]:
        """Return what turns places in the shortened text, asked for in order, into those in the complete."""
        starts, shifts = self._shifts()
        number = 0

        def complete(place: int) -> int:
            nonlocal number
            while number < len(starts) and starts[number] < place:
                number += 1
            return place + shifts[number]

        return complete

    def place_in_short(self, place: int) -> int:
        """Return where a place of the complete text, outside the parts, is in the shortened text."""
        _, shifts = self._shifts()
        return place - shifts[sum(start < place for start, _ in self.places)]

    def _shifts(self) -> tuple[list[int], list[int]]:
        """Return where the placeholders begin in the shortened text, and how far it is shifted after each."""
        starts, shifts, shift = [], [0], 0
        for number, (start, end) in enumerate(self.places):
            starts.append(start - shift)
            shift += end - start - len(self.mark) - len(str(number)) - len(self.closing)
            shifts.append(shift)
        return starts, shifts


NONE = LongStrings()


def shorten(raw: bytes) -> tuple[bytes, LongStrings]:
    """Return a JSON text with placeholders for its long strings of base64 and the like, and these strings.

    The result is JSON exactly if ``raw`` is, unless that has a number of so many digits: a placeholder is
    legal only inside a string, and what it replaces is legal in any string. Each byte is searched a constant
    number of times.
    """
    return without_places(raw, _long_places(raw)) if len(raw) >= LONG_BYTES else (raw, NONE)


def shorten_texts(raw: bytes) -> tuple[bytes, LongStrings]:
    """Return a JSON text with placeholders for the ends of all its long strings, and these ends.

    Of a text below ``TEXTS_FROM_BYTES`` only what ``shorten`` leaves out is left out. The result is JSON in
    UTF-8 exactly if ``raw`` is.
    """
    if len(raw) < TEXTS_FROM_BYTES:
        return shorten(raw)
    from gateway.http.long_texts import ends_of_long_texts  # noqa: PLC0415  # few texts are large

    try:
        check_utf8(raw)
    except UnicodeDecodeError:
        return raw, NONE  # a parser says so
    return without_places(raw, ends_of_long_texts(raw))


def without_places(
    raw: bytes, places: list[tuple[int, int]], *, quote: bytes = b""
) -> tuple[bytes, LongStrings]:
    """Return a JSON text with placeholders for what is at these places, and what was there.

    ``quote`` is a quotation mark if complete values are there, and not parts of strings.
    """
    if not places:
        return raw, NONE
    view = memoryview(raw)
    mark = _unused_mark(raw, places)
    if mark is None:
        return raw, NONE
    mark, closing = quote + mark, b"@" + quote
    short, kept_from = bytearray(), 0
    for number, (start, end) in enumerate(places):
        short += view[kept_from:start]
        short += b"%b%d%b" % (mark, number, closing)
        kept_from = end
    short += view[kept_from:]
    parts = tuple(view[start:end] for start, end in places)
    return bytes(short), LongStrings(parts, mark.decode(), tuple(places), closing.decode())


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
        raw[place : min(place + PART_BYTES, end)].translate(None, _PLAIN)
        for place in range(start, end, PART_BYTES)
    )


def _unused_mark(raw: bytes, places: list[tuple[int, int]]) -> bytes | None:
    """Return a mark that a text does not have outside these places. Each byte is searched once.

    None if the text has a mark that is written with escapes. Only who wants to be mistaken for the gateway
    writes that: to have an image counted that is none, or a string put where it was not.
    """
    mark = _SPELLED_MARK if b"\\u00" in raw else _MARK
    used, kept_from = set[bytes](), 0
    for start, end in (*places, (len(raw), 0)):
        used |= {found[0] for found in mark.finditer(raw, kept_from, start)}
        kept_from = end
    if any(b"\\" in each for each in used):
        return None
    numbers = {int(each.split(b"-")[1]) for each in used}
    return b"@long-%d-" % next(number for number in count() if number not in numbers)
