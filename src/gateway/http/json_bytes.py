"""Reads and writes JSON as bytes, with limits on depth and on the number of values."""

import json
import re
from collections.abc import Iterator
from itertools import accumulate
from math import isinf
from typing import NoReturn

from gateway.http.json_values import Json, JsonObject

# One encoder for all calls: with options, `json.dumps` makes a new one for each call.
_COMPACT = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), allow_nan=False)


def to_json_bytes(value: Json) -> bytes:
    """Return ``value`` as compact JSON in UTF-8.

    Raises:
        ValueError: it holds a number that JSON cannot represent (infinity, NaN), or it nests too deeply.
    """
    try:
        return _COMPACT.encode(value).encode()
    except UnicodeEncodeError:  # a lone surrogate is legal as an escape, but not in UTF-8
        return json.dumps(value, separators=(",", ":")).encode()
    except RecursionError:
        raise ValueError("nested too deeply") from None


# Far more than any schema needs. A few thousand levels overflow the stack of today's Pyodide and crash it.
MAX_DEPTH = 200
# How many values an upstream's JSON may hold. A value takes about 60 bytes of memory. OpenRouter's list
# of models has 50,000; an answer of 2,000 tokens with 20 log probabilities each has 500,000.
MAX_VALUES = 500_000
_ALL_BUT_MARKS = bytes(set(range(256)) - set(b'[]{},"'))
_STEPS = {ord("["): 1, ord("{"): 1, ord("]"): -1, ord("}"): -1}
_BACKSLASHES = re.compile(rb"\\*+")
# How much of a text is looked at before it is known whether that was too much.
_PART_BYTES = 65_536


class TooManyValuesError(ValueError):
    """JSON holds more values than the limit."""


class TooDeepError(ValueError):
    """JSON nests deeper than ``MAX_DEPTH``."""


def check_size(raw: bytes, *, max_values: int) -> None:
    """Raise an error if a parser would build too many values, or nest too deeply.

    It counts the commas and opening brackets outside strings: a value needs one of them, except the first.

    Raises:
        TooManyValuesError: there are ``max_values`` of them or more.
        TooDeepError: ``raw`` nests deeper than ``MAX_DEPTH``.
    """
    # Most bodies have few of these marks, even if those in strings count.
    openings = _openings(raw)
    is_short = len(raw) <= max_values or openings + raw.count(b",") < max_values
    if is_short and openings <= MAX_DEPTH:
        return
    depth = values = 0
    for marks in _marks_outside_strings(raw):
        brackets = marks.replace(b",", b"")
        if max(accumulate(map(_STEPS.__getitem__, brackets), initial=depth)) > MAX_DEPTH:
            raise TooDeepError("nested too deeply")
        openings = brackets.count(b"[") + brackets.count(b"{")
        depth += 2 * openings - len(brackets)
        values += openings + len(marks) - len(brackets)
        if values >= max_values:
            raise TooManyValuesError


def _marks_outside_strings(raw: bytes) -> Iterator[bytes]:
    """Yield the commas and brackets of JSON that are not in strings, in order, part by part."""
    in_string, start = 0, 0
    while start < len(raw):
        end = start + _PART_BYTES
        if raw[end - 1 : end] == b"\\":  # an escape is in one part
            backslashes = _BACKSLASHES.match(raw, end)
            end = (backslashes.end() if backslashes else end) + 1
        part = raw[start:end]
        if b"\\" in part:
            # By as many bytes: that is done in place, in half the time.
            part = part.replace(b"\\\\", b"  ").replace(b'\\"', b"  ")
        marks = part.translate(None, _ALL_BUT_MARKS)
        pieces = marks.split(b'"')
        yield b"".join(pieces[in_string::2])
        in_string ^= (len(pieces) - 1) & 1
        start = end


def _openings(raw: bytes) -> int:
    """Return the number of opening brackets, also those in strings; stop soon after ``MAX_DEPTH``.

    It searches from one bracket to the next. With few brackets, counting them takes three times as long.
    """
    number = 0
    for bracket in (b"[", b"{"):
        place = raw.find(bracket)
        while place >= 0 and number <= MAX_DEPTH:
            number += 1
            place = raw.find(bracket, place + 1)
    return number


class NamedTwiceError(ValueError):
    """A JSON object names a field twice, and parsers differ in which value counts.

    Attributes:
        name: the field's name.
        within: the member of the outermost object whose value has that object; None if it is the outermost.
    """

    def __init__(self, name: str, *, within: str | None = None) -> None:
        super().__init__(name)
        self.name = name
        self.within = within


def distinct_object(pairs: list[tuple[str, Json]]) -> JsonObject:
    """Return an object with these fields. It is the ``object_pairs_hook`` for JSON that people wrote.

    Raises:
        NamedTwiceError: two fields have the same name.
    """
    fields = dict(pairs)
    if len(fields) < len(pairs):
        seen = set()
        for name, _ in pairs:
            if name in seen:
                raise NamedTwiceError(name)
            seen.add(name)
    return fields


def finite(text: str) -> float:
    """Return a number; raise ``ValueError`` for one such as 1e999, which JSON could not hold again."""
    number = float(text)
    if isinf(number):
        raise ValueError("a number that is too large")
    return number


def refuse_constant(name: str) -> NoReturn:
    """Raise ``ValueError`` for NaN and the infinities, which Python's parser accepts by default."""
    raise ValueError(f"{name} is not JSON")


def check_utf8(raw: bytes) -> None:
    """Raise ``UnicodeDecodeError`` if a text is not UTF-8. It decodes in parts, which takes little memory."""
    if raw.isascii():
        return
    start = 0
    while start < len(raw):
        end = min(start + _PART_BYTES, len(raw))
        for _ in range(3):  # a character has up to four bytes, and is in one part
            if end < len(raw) and raw[end] & 0xC0 == 0x80:
                end -= 1
        raw[start:end].decode()
        start = end


# One decoder for all calls: with options, `json.loads` makes a new one for each call.
_STRICT = json.JSONDecoder(parse_constant=refuse_constant)


def parse_json(raw: bytes, *, max_values: int = MAX_VALUES) -> Json:
    """Return the JSON value in ``raw``.

    Raises:
        TooManyValuesError: it holds ``max_values`` values or more.
        ValueError: it is not JSON in UTF-8, or it nests deeper than ``MAX_DEPTH``.
    """
    check_size(raw, max_values=max_values)
    try:
        value: Json = _STRICT.decode(raw.decode())
    except RecursionError:
        raise ValueError("nested too deeply") from None
    return value
