"""JSON as bytes, whatever its strings hold and however deep it nests."""

import json
from itertools import accumulate
from typing import NoReturn

from gateway.http.json_values import Json, JsonObject

# Made once: with options `json.dumps` makes one for every call.
_COMPACT = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), allow_nan=False)


def to_json_bytes(value: Json) -> bytes:
    """Return ``value`` as compact JSON in UTF-8.

    Raises:
        ValueError: it holds a number that JSON cannot carry (infinity, not a number), or nests too deeply.
    """
    try:
        return _COMPACT.encode(value).encode()
    except UnicodeEncodeError:  # a lone surrogate: legal as an escape, not as UTF-8
        return json.dumps(value, separators=(",", ":")).encode()
    except RecursionError:
        raise ValueError("nested too deeply") from None


# Far more than any schema. A few thousand overflow the stack of today's Pyodide, which does not survive it.
MAX_DEPTH = 200
_STEPS = {ord("["): 1, ord("{"): 1, ord("]"): -1, ord("}"): -1}
_ALL_BUT_BRACKETS = bytes(set(range(256)) - set(_STEPS))


def check_depth(raw: bytes) -> None:
    """Raise ``ValueError`` where a parser would have to go deeper than ``MAX_DEPTH``."""
    if _openings(raw) <= MAX_DEPTH:
        return
    strings_and_rest = raw.replace(b"\\\\", b"").replace(b'\\"', b"").split(b'"')
    brackets = b"".join(strings_and_rest[::2]).translate(None, _ALL_BUT_BRACKETS)
    if max(accumulate(map(_STEPS.__getitem__, brackets)), default=0) > MAX_DEPTH:
        raise ValueError("nested too deeply")


def _openings(raw: bytes) -> int:
    """Return how many opening brackets there are, in strings too; of more than ``MAX_DEPTH`` not all.

    By a search from one to the next: where they are few, to count them takes three times as long.
    """
    number = 0
    for bracket in (b"[", b"{"):
        place = raw.find(bracket)
        while place >= 0 and number <= MAX_DEPTH:
            number += 1
            place = raw.find(bracket, place + 1)
    return number


class NamedTwiceError(ValueError):
    """A JSON object names a field twice: which value counts would depend on who reads it. Holds the name."""


def distinct_object(pairs: list[tuple[str, Json]]) -> JsonObject:
    """Return an object of these fields: the ``object_pairs_hook`` of what is read from people.

    Raises:
        NamedTwiceError: two have the same name.
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
    """Raise ``ValueError`` for NaN and the infinities, which Python's parser would let pass."""
    raise ValueError(f"{name} is not JSON")


# Made once: with options `json.loads` makes one for every call.
_STRICT = json.JSONDecoder(parse_constant=refuse_constant)


def parse_json(raw: bytes) -> Json:
    """Return what ``raw`` holds.

    Raises:
        ValueError: it is not JSON in UTF-8, or nested too deeply to read.
    """
    check_depth(raw)
    try:
        value: Json = _STRICT.decode(raw.decode())
    except RecursionError:
        raise ValueError("nested too deeply") from None
    return value
