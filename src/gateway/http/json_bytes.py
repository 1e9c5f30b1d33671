"""Reads and writes JSON as bytes, with protection against deep nesting and invalid values."""

import json
from itertools import accumulate
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
_STEPS = {ord("["): 1, ord("{"): 1, ord("]"): -1, ord("}"): -1}
_ALL_BUT_BRACKETS = bytes(set(range(256)) - set(_STEPS))


def check_depth(raw: bytes) -> None:
    """Raise ``ValueError`` if the JSON text ``raw`` nests deeper than ``MAX_DEPTH``."""
    if _openings(raw) <= MAX_DEPTH:
        return
    strings_and_others = raw.replace(b"\\\\", b"").replace(b'\\"', b"").split(b'"')
    brackets = b"".join(strings_and_others[::2]).translate(None, _ALL_BUT_BRACKETS)
    if max(accumulate(map(_STEPS.__getitem__, brackets)), default=0) > MAX_DEPTH:
        raise ValueError("nested too deeply")


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
    """A JSON object names a field twice, and parsers differ in which value counts. Holds the name."""


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


def refuse_constant(name: str) -> NoReturn:
    """Raise ``ValueError`` for NaN and the infinities, which Python's parser accepts by default."""
    raise ValueError(f"{name} is not JSON")


# One decoder for all calls: with options, `json.loads` makes a new one for each call.
_STRICT = json.JSONDecoder(parse_constant=refuse_constant)


def parse_json(raw: bytes) -> Json:
    """Return the JSON value in ``raw``.

    Raises:
        ValueError: it is not JSON in UTF-8, or it nests deeper than ``MAX_DEPTH``.
    """
    check_depth(raw)
    try:
        value: Json = _STRICT.decode(raw.decode())
    except RecursionError:
        raise ValueError("nested too deeply") from None
    return value
