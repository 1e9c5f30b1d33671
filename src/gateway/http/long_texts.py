"""Finds the long texts in JSON, whatever they hold. Loaded with the first large body.

The beginning of each text stays: it shows whether the text is a link, or a name that is too long.
"""

import re

# The ends of strings that are at least so long are left out. So much of each beginning stays.
LONG_TEXT_BYTES, KEPT_BYTES = 1_024, 320
# Up to the quote that opens a string which is not short, or to the end.
_SHORT = re.compile(rb'[^"]*+(?:"[^"\\]{0,1023}+(?:\\.[^"\\]{0,1023}+){0,63}+"[^"]*+)*+', re.DOTALL)
_ESCAPE = rb'\\(?:["\\/bfnrt]|u[0-9A-Fa-f]{4})'
_CONTENT = re.compile(rb'[^"\\\x00-\x1f]*+(?:' + _ESCAPE + rb'[^"\\\x00-\x1f]*+)*+')
# The second half of a character that is written as two escapes.
_LOW_SURROGATE = re.compile(rb"\\u[dD][c-fC-F]")
_COLON = re.compile(rb"[ \t\n\r]*+:")
_PART_BYTES = 131_072
_CONTROLS = bytes(range(0x20))
# Of a text that begins with blanks, so much is looked at for what is none.
_MAX_BLANK_BYTES = 262_144
_SPACES = "".join(map(chr, (*range(9, 14), *range(28, 33), 133, 160, 5760, *range(8192, 8203))))
_SPACES += "\u2028\u2029\u202f\u205f\u3000"


def _blank_forms() -> bytes:
    """Return the ways to write a blank in a JSON string, as an expression."""
    forms = {re.escape(each.encode()) for each in _SPACES if each >= " "}
    forms |= {rb"\\[tnfr]", *(rb"\\u(?i:%04x)" % ord(each) for each in _SPACES)}
    return b"|".join(sorted(forms))


_BLANK = re.compile(rb" *+(?:(?:" + _blank_forms() + rb") *+)*+")


def ends_of_long_texts(raw: bytes) -> list[tuple[int, int]]:
    """Return where the ends of long strings are in a JSON text in UTF-8; none if it is no JSON.

    Names of members are left alone, and strings that are blank. Each byte is searched a constant number of
    times.
    """
    places = []
    place = 0
    while found := _SHORT.match(raw, place):
        start = found.end() + 1
        if start > len(raw):
            break
        end = _end_of_string(raw, start)
        if end is None:
            return []  # this is no JSON: a parser says so
        if (
            end - start >= LONG_TEXT_BYTES
            and not _COLON.match(raw, end + 1)
            and not _is_blank(raw, start, end)
        ):
            places.append((_after_beginning(raw, start), end))
        place = end + 1
    return places


def _end_of_string(raw: bytes, start: int) -> int | None:
    """Return where the content of a string ends; None if that is not valid."""
    end = raw.find(b'"', start)
    if end < 0:
        return None
    if raw.find(b"\\", start, end) < 0:
        parts = (raw[place : min(place + _PART_BYTES, end)] for place in range(start, end, _PART_BYTES))
        return end if all(len(part) == len(part.translate(None, _CONTROLS)) for part in parts) else None
    found = _CONTENT.match(raw, start)
    return found.end() if found and raw[found.end() : found.end() + 1] == b'"' else None


def _is_blank(raw: bytes, start: int, end: int) -> bool:
    """Return whether a text is blank, or begins with very many blanks."""
    found = _BLANK.match(raw, start, min(end, start + _MAX_BLANK_BYTES))
    return found is not None and found.end() >= min(end, start + _MAX_BLANK_BYTES - 6)


def _after_beginning(raw: bytes, start: int) -> int:
    """Return where the beginning of a text ends that stays: between two characters."""
    found = _CONTENT.match(raw, start, start + KEPT_BYTES)
    place = found.end() if found else start
    while raw[place] & 0xC0 == 0x80:
        place -= 1
    return place - 6 if _LOW_SURROGATE.match(raw, place) else place
