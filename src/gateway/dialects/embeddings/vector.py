"""Reads how many numbers a vector has, as an array or as base64, and whether each is finite."""

from binascii import Error, a2b_base64

from gateway.http.json_values import Json
from gateway.http.long_strings import LongStrings
from gateway.http.number_arrays import all_finite, length_of_array

FLOAT_BYTES = 4
_ARRAY = ord("[")


class VectorError(ValueError):
    """A value is no vector in the form that was asked for."""


def size_of(vector: Json, long: LongStrings, *, is_base64: bool) -> int:
    """Return how many numbers a vector has; ``long`` has what was left out of its answer.

    An array of numbers passes also where base64 was asked for: some providers know no other form, and
    OpenAI's clients ask for base64 by themselves and read both.

    Raises:
        VectorError: it is empty, not a vector, not finite, or base64 where an array was asked for.
    """
    value = long.value(vector)
    if value is not None and value[0] == _ARRAY:
        if not all_finite(value):
            raise VectorError
        return length_of_array(value)
    if not is_base64 or not isinstance(vector, str):
        raise VectorError
    return _size_of_base64(vector.encode("utf-8", "surrogatepass") if value is None else value[1:-1])


def _size_of_base64(text: bytes | memoryview) -> int:
    """Return how many floats base64 holds. Source: OpenAI API reference: 32-bit floats, little-endian."""
    try:
        raw = a2b_base64(text, strict_mode=True)
    except (Error, ValueError):
        raise VectorError from None
    # Some versions of Python pass padding behind what is complete.
    is_exact = len(text) == -(-len(raw) // 3) * 4
    if not raw or len(raw) % FLOAT_BYTES or not is_exact or not _is_finite(raw):
        raise VectorError
    return len(raw) // FLOAT_BYTES


def _is_finite(raw: bytes) -> bool:
    """Return whether no float has an exponent of ones: 7 bits of its last byte, and one of that before."""
    last = raw[3::FLOAT_BYTES]
    if b"\x7f" not in last and b"\xff" not in last:
        return True
    before = raw[2::FLOAT_BYTES]
    return not any(one & 0x7F == 0x7F and other & 0x80 for one, other in zip(last, before, strict=True))
