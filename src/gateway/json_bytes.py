"""JSON as bytes, whatever its strings hold and however deep it nests."""

import json
from itertools import accumulate

from gateway.wire import Json

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
