"""Says in words why a body is not JSON, and where. It shows no text of the body, but the kind of a character.

It is imported when a body could not be read. ``check_size`` has passed the body, so reading it again costs
no more than the first time.
"""

import re
from collections.abc import Mapping
from json import JSONDecodeError, JSONDecoder
from math import isinf
from types import MappingProxyType

from gateway.http.json_bytes import finite, refuse_constant
from gateway.http.json_members import LARGE_BYTES, MAX_MEMBERS, NO_ESCAPE

NOT_JSON = "The body is not JSON."
# What Python's parser expected, by the beginning of its message. It differs by version.
# Source: CPython's `json.decoder`, `json.scanner` and `_json.c`, 3.11 to 3.14.
EXPECTED: Mapping[str, str] = MappingProxyType(
    {
        "Expecting value": "a value",
        "Expecting property name": "a field's name in double quotes",
        "Expecting ':'": "a colon",
        "Expecting ','": "a comma or a closing bracket",
        "Extra data": "the end of the body",
    }
)
# The same for what is at the place itself.
WRONG_ESCAPE = "a string holds an escape that JSON does not have"
TRAILING_COMMA = "a comma comes before a closing bracket"
WRONG: Mapping[str, str] = MappingProxyType(
    {
        "Unterminated string": "a string begins that has no end",
        "Invalid control character": "a string holds a control character. Write a line end as \\n",
        "Invalid \\": WRONG_ESCAPE,
        "Illegal trailing comma": TRAILING_COMMA,
    }
)
# The kinds of a character; the first that matches counts.
KINDS: tuple[tuple[re.Pattern[bytes], str], ...] = (
    (re.compile(rb"\Z"), "the end of the body"),
    (re.compile(rb'"'), "a double quote"),
    (re.compile(rb"'"), "a single quote"),
    (re.compile(rb","), "a comma"),
    (re.compile(rb":"), "a colon"),
    (re.compile(rb"[\[{]"), "an opening bracket"),
    (re.compile(rb"[\]}]"), "a closing bracket"),
    (re.compile(rb"[0-9]"), "a digit"),
    (re.compile(rb"[A-Za-z]"), "a letter"),
    (re.compile(rb"[\x00-\x1f\x7f]"), "a control character"),
    (re.compile(rb"[\x80-\xff]"), "a character that is not ASCII"),
)
OTHER_KIND = "a punctuation mark"
_BLANKS = b" \t\r\n"
# A character of UTF-8 has one byte that is none of these.
_CONTINUATIONS = bytes(range(0x80, 0xC0))


# Strings, numbers, and the beginnings of NaN and the infinities.
_TOKENS = re.compile(rb'"(?:[^"\\]++|\\.)*+"|-?I|N|-?[0-9][0-9.eE+-]*+', re.DOTALL)
_IN_FLOATS = re.compile(rb"[.eE]")
_QUOTE, _DIGITS = ord('"'), b"0123456789"
# Python reads no whole number that is longer. Source: its `sys.int_info.default_max_str_digits`.
MAX_DIGITS = 4_300


def problem_in(raw: bytes) -> str:
    """Return why a body is not JSON that the gateway reads, as sentences for its sender."""
    wrong_at = _not_utf8_at(raw)
    if wrong_at is not None:
        return f"The body is not UTF-8. {_at(raw, wrong_at)} is a byte that UTF-8 does not allow there."
    text = raw
    if len(raw) > LARGE_BYTES and b"\\u" in raw:  # wide escapes would take four times the body's memory
        text = raw.replace(b"\\\\", b"\x7f\x7f")
        wrong = NO_ESCAPE.search(text)
        if wrong:
            return f"{NOT_JSON} {_at(raw, wrong.start())} {WRONG_ESCAPE}."
        text = text.replace(b"\\u", b"\x7f\x7f")
    try:
        # A character for each byte: a place in the text is one in the bytes.
        _DECODER.decode(text.decode("latin-1"))
    except JSONDecodeError as error:
        return f"{NOT_JSON} {_told(raw, error.msg, error.pos)}."
    except ValueError:
        return f"{NOT_JSON} {_told_of_number(raw)}."
    return f"The body has more than {MAX_MEMBERS} fields."


def _told(raw: bytes, message: str, index: int) -> str:
    for beginning, wrong in WRONG.items():
        if message.startswith(beginning):
            if wrong == WRONG_ESCAPE:  # Python names a place within the escape
                index = raw.rfind(b"\\", max(0, index - 6), index + 1)
            return f"{_at(raw, index)} {wrong}"
    found = next((kind for form, kind in KINDS if form.match(raw, index)), OTHER_KIND)
    if found == "a closing bracket":  # before Python 3.13 its parser does not name a trailing comma
        before = raw[:index].rstrip(_BLANKS)
        if before.endswith(b","):
            return f"{_at(raw, len(before) - 1)} {TRAILING_COMMA}"
    expected = next((each for beginning, each in EXPECTED.items() if message.startswith(beginning)), None)
    return f"{_at(raw, index)} is {found}" + (f", but {expected} is expected" if expected else "")


def _told_of_number(raw: bytes) -> str:
    """Return which number JSON does not have, or Python does not read. What is before it is valid."""
    for token in _TOKENS.finditer(raw):
        first, length = raw[token.start()], token.end() - token.start()
        if first == _QUOTE:
            continue
        if raw[token.end() - 1] not in _DIGITS:
            return f"{_at(raw, token.start())} is NaN or Infinity, which are no numbers in JSON"
        if _IN_FLOATS.search(raw, token.start(), token.end()):
            if isinf(float(token[0])):
                return f"{_at(raw, token.start())} is a number that is too large"
        elif length > MAX_DIGITS:
            return f"{_at(raw, token.start())} is a number of more than {MAX_DIGITS} digits"
    return "It holds a number that is not allowed"  # never so: see above


def _at(raw: bytes, index: int) -> str:
    """Return the place in words. Lines and columns count from 1; a column is a character."""
    line_start = raw.rfind(b"\n", 0, index) + 1
    column = len(raw[line_start:index].translate(None, _CONTINUATIONS)) + 1
    line = raw.count(b"\n", 0, index) + 1
    return f"At line {line}, column {column}"


def _not_utf8_at(raw: bytes) -> int | None:
    """Return where a body is not UTF-8; None if it is. It decodes parts, which takes little memory."""
    start = 0
    while start < len(raw):
        end = min(start + LARGE_BYTES, len(raw))
        try:
            raw[start:end].decode()
        except UnicodeDecodeError as error:
            # A character may be cut by the end of the part: then the next part begins with it.
            if end == len(raw) or error.start + 3 < end - start:
                return start + error.start
            end = start + error.start
        start = end
    return None


_DECODER = JSONDecoder(parse_constant=refuse_constant, parse_float=finite)
