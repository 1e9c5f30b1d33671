"""The members of a JSON object as text: the caller's bytes are sent on as they arrived, not serialized again.

Text is scanned with one character for each byte. So a position in the characters is a position in the bytes,
and a long text with one emoji does not take four bytes for each of its characters.
"""

import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import field
from json import JSONDecoder
from typing import TypeAlias

from gateway.http.frozen import dataclass
from gateway.http.json_bytes import MAX_VALUES, NamedTwiceError, check_utf8, parse_json, to_json_bytes
from gateway.http.json_values import Json, JsonObject, object_or_empty
from gateway.http.long_strings import LongStrings, shorten_texts

# No request has more fields of its own; each is read in Python.
MAX_MEMBERS = 1_000
# Nor is a name so long that means anything to the gateway, however it is escaped.
MAX_NAME_CHARACTERS = 1_000
# Larger texts are decoded in parts, and without their escapes.
LARGE_BYTES = 1_048_576
_BLANKS = r"[ \t\n\r]*+"
_NAME = rf'{_BLANKS}"([^"\\\x00-\x1f]*+(?:\\.[^"\\\x00-\x1f]*+)*+)"{_BLANKS}:{_BLANKS}'
_FIRST = re.compile(rf"{_BLANKS}\{{{_NAME}")
_FURTHER = re.compile(rf"{_BLANKS},{_NAME}")
_END = re.compile(rf"{_BLANKS}\}}{_BLANKS}\Z")
NO_ESCAPE = re.compile(rb"\\u(?![0-9A-Fa-f]{4})")

Buffer: TypeAlias = bytes | memoryview


class NoObjectError(ValueError):
    """The text is JSON, but not an object."""


@dataclass(frozen=True, slots=True)
class Members:
    """Members of a JSON object.

    Attributes:
        text: the members, with a comma between them, in UTF-8.
        places: where in ``text`` each member is, from its name's quote to its value's end; by its name.
        long: the ends of long strings, which were left out of the values that were read with these members.
    """

    text: bytes
    places: Mapping[str, tuple[int, int]]
    long: LongStrings = field(default_factory=LongStrings, compare=False, repr=False)

    def views(self) -> dict[str, Buffer]:
        """Return each member, by its name. Nothing is copied."""
        text = memoryview(self.text)
        return {name: text[start:end] for name, (start, end) in self.places.items()}

    def value(self, name: str, *, max_values: int = MAX_VALUES) -> Json:
        """Return a member's value of less than ``max_values`` values; None if there is none of this name.

        Raises:
            ValueError: it is not JSON after all.
        """
        if name not in self.places:
            return None
        start, end = self.places[name]
        (value,) = object_or_empty(parse_json(b"{%b}" % self.text[start:end], max_values=max_values)).values()
        return value

    def plus(self, name: str, value: Json) -> "Members":
        """Return the members and one more; ``name`` is plain ASCII and not among them."""
        return self.plus_text(name, to_json_bytes(value))

    def plus_text(self, name: str, value: bytes) -> "Members":
        """Return the members and one more, whose value is given as JSON."""
        added = b'"%b":%b' % (name.encode(), value)
        pieces = [self.text, added] if self.places else [added]
        text = b",".join(pieces)
        return Members(text, {**self.places, name: (len(text) - len(pieces[-1]), len(text))})

    def cut(self, name: str, cuts: Iterable[tuple[int, int]]) -> "Members":
        """Return the members without pieces of the one of this name: places in ``text``, in order."""
        view, pieces, kept_from, gone = memoryview(self.text), [], 0, 0
        for start, end in cuts:
            pieces.append(view[kept_from:start])
            kept_from = end
            gone += end - start
        pieces.append(view[kept_from:])
        begin, _ = self.places[name]
        places = {
            each: (start - gone * (start > begin), end - gone * (end > begin))
            for each, (start, end) in self.places.items()
        }
        return Members(b"".join(pieces), places)

    def without(self, names: Collection[str]) -> "Members":
        """Return the members except those of these names. Text between neighbours is unchanged."""
        pieces: list[bytes] = []
        places: dict[str, tuple[int, int]] = {}
        first = last = -1  # where a run of neighbouring members begins and ends
        length = 0
        for name, (start, end) in self.places.items():
            if name in names:
                if first >= 0:
                    pieces.append(self.text[first:last])
                    length += last - first + 1
                first = -1
                continue
            if first < 0:
                first = start
            last = end
            places[name] = (length + start - first, length + end - first)
        if first >= 0:
            pieces.append(self.text[first:last])
        return Members(b",".join(pieces), places)


def member(name: str, value: Json) -> bytes:
    """Return a member as text; ``name`` is plain ASCII."""
    return b'"%b":%b' % (name.encode(), to_json_bytes(value))


def read_members(
    raw: bytes, decoder: JSONDecoder, shortened: tuple[bytes, LongStrings] | None = None
) -> tuple[JsonObject, Members]:
    """Return a JSON object's values, and its members as text.

    Strings that are not ASCII are not decoded in the returned object: a byte is a character there. Of long
    strings in a large text it has only the beginning, and a placeholder. ``Members.value`` has all of them.

    Args:
        raw: the text, which ``check_size`` has passed.
        decoder: reads the values.
        shortened: the text with placeholders, and what it lacks; None: without its long strings.

    Raises:
        NoObjectError: it is JSON, but not an object.
        NamedTwiceError: two members have one name.
        ValueError: it is not JSON in UTF-8, or has more than ``MAX_MEMBERS`` members.
    """
    short, long = shortened or shorten_texts(raw)
    text = narrow_text(short)
    values: JsonObject = {}
    places: dict[str, tuple[int, int]] = {}
    found = _FIRST.match(text)
    if found is None:
        _require_empty_object(text, decoder)
        return values, Members(b"", places)
    end, read = 0, decoder.scan_once  # type: ignore[attr-defined]  # what raw_decode calls, without a wrapper
    for _ in range(MAX_MEMBERS):
        name = _name_of(found[1])
        if name in values:
            raise NamedTwiceError(name)
        try:
            values[name], end = read(text, found.end())
        except StopIteration:
            raise ValueError("a member without a value") from None
        except NamedTwiceError as error:
            raise NamedTwiceError(error.name, within=name) from None
        places[name] = (found.start(1) - 1, end)
        found = _FURTHER.match(text, end)
        if found is None:
            break
    if found is not None or not _END.match(text, end):
        raise ValueError("too many members, or no end of an object")
    return values, Members(raw, _places_in_all(places, long), long)


def _places_in_all(places: dict[str, tuple[int, int]], long: LongStrings) -> dict[str, tuple[int, int]]:
    """Return the places that members have in the complete text, from those in the shortened one."""
    if not long.parts:
        return places
    complete = long.to_complete()
    return {name: (complete(start), complete(end)) for name, (start, end) in places.items()}


def _require_empty_object(text: str, decoder: JSONDecoder) -> None:
    if decoder.decode(text) != {}:
        raise NoObjectError


def _name_of(written: str) -> str:
    """Return a name; one that is long as it is written."""
    if "\\" not in written and written.isascii():
        return written
    if len(written) >= MAX_NAME_CHARACTERS:
        return written
    return str(parse_json(b'"%b"' % written.encode("latin-1")))


def narrow_text(raw: bytes) -> str:
    """Return a text to scan in the place of ``raw``, with a character for each byte and one byte for each.

    Raises:
        ValueError: it is not UTF-8, or not JSON.
    """
    check_utf8(raw)
    if len(raw) > LARGE_BYTES and b"\\u" in raw:
        raw = _without_wide_escapes(raw)
    return raw.decode("latin-1")


def _without_wide_escapes(raw: bytes) -> bytes:
    """Return JSON of the same length without escapes of characters beyond Latin-1. DEL replaces them.

    A string with one of them would take up to four times its bytes. No name that the gateway reads has one.
    """
    narrow = raw.replace(b"\\\\", b"\x7f\x7f")
    if b"\0" in raw or NO_ESCAPE.search(narrow):
        raise ValueError("a control character, or an invalid escape")
    narrow = narrow.replace(b"\\u00", b"\0\0\0\0").replace(b"\\u", b"\x7f\x7f")
    return narrow.replace(b"\0\0\0\0", b"\\u00")
