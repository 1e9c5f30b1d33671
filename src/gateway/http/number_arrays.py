"""Leaves arrays of numbers out of JSON before it is parsed: vectors and tokens take megabytes.

A parser makes an object of each number. Each byte is looked at a constant number of times here, and none is
copied.
"""

import re
from collections.abc import Iterator
from itertools import islice

from gateway.http.long_strings import NONE, LongStrings, without_places

# More arrays are not left out: then the limits of the parser hold.
MAX_ARRAYS = 10_000
_BLANKS = rb"[ \t\r\n]*+"
_NUMBER = rb"-?+(?:0|[1-9][0-9]*+)(?:\.[0-9]++)?+(?:[eE][-+]?+[0-9]++)?+"
# What a colon follows is a name, and a placeholder would be one, too.
_NO_NAME = rb"(?!%b:)" % _BLANKS
_ITEM = rb"%b%b%b" % (_BLANKS, _NUMBER, _BLANKS)
_ARRAY = rb"\[%b(?:,%b)*+\]%b" % (_ITEM, _ITEM, _NO_NAME)
# One that does not end goes to the end of the text: nothing after it is looked at again.
_STRING = rb'"[^"\\]*+(?:\\.[^"\\]*+)*+(?:"|\\?+\Z)'
# Source: OpenAI API reference, "Create embeddings": `encoding_format` "base64".
_BASE64 = rb'"[A-Za-z0-9+/]{64,}+={0,2}+"%b' % _NO_NAME
_ARRAYS = re.compile(rb"%b|(%b)" % (_STRING, _ARRAY), re.DOTALL)
_ARRAYS_AND_BASE64 = re.compile(rb"(%b|%b)|%b" % (_ARRAY, _BASE64, _STRING), re.DOTALL)
# Numbers of fewer digits without an exponent, or with one below 0, are numbers that a float can hold.
_MANY_DIGITS = 300
_DIGITS_AS_ZERO = bytes(ord("0") if chr(each).isdigit() and each < 128 else each for each in range(256))


def without_arrays(raw: bytes, within: tuple[int, int] | None = None) -> tuple[bytes, LongStrings]:
    """Return a JSON text with placeholders for its arrays of numbers, and these arrays.

    The result is JSON exactly if ``raw`` is. ``within``: arrays outside of these places stay.
    """
    return _without(raw, _ARRAYS, within or (0, len(raw)))


def without_vectors(raw: bytes) -> tuple[bytes, LongStrings]:
    """Return a JSON text with placeholders for arrays of numbers and for strings of base64, and both."""
    return _without(raw, _ARRAYS_AND_BASE64, (0, len(raw)))


def _without(raw: bytes, wanted: re.Pattern[bytes], within: tuple[int, int]) -> tuple[bytes, LongStrings]:
    found = (span for span in _places(raw, wanted) if within[0] <= span[0] and span[1] <= within[1])
    places = [*islice(found, MAX_ARRAYS + 1)]
    return (raw, NONE) if len(places) > MAX_ARRAYS else without_places(raw, places, quote=b'"')


def _places(raw: bytes, wanted: re.Pattern[bytes]) -> Iterator[tuple[int, int]]:
    return (found.span(1) for found in wanted.finditer(raw) if found.end(1) >= 0)


def length_of_array(array: memoryview) -> int:
    """Return how many numbers an array has that was left out."""
    return bytes(array).count(b",") + 1


def all_finite(array: memoryview) -> bool:
    """Return whether a float can hold each number of an array that was left out."""
    text = bytes(array)
    has_exponents = any(text.count(each) > text.count(each + b"-") for each in (b"e", b"E"))
    if not has_exponents and b"0" * _MANY_DIGITS not in text.translate(_DIGITS_AS_ZERO):
        return True
    return all(abs(float(each)) < float("inf") for each in text[1:-1].split(b","))


def is_whole(array: memoryview) -> bool:
    """Return whether each number of an array that was left out is whole, and not below 0."""
    return not bytes(array).translate(None, b"[],0123456789 \t\r\n")
