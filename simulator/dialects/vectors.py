"""Deterministic vectors, and their two forms in JSON: a list of numbers, or base64 of 32-bit floats."""

import base64
import hashlib
import struct
from collections.abc import Sequence

_SCALE = 32768  # a 16-bit integer divided by it is exact as a 32-bit float: both forms have the same numbers
_BYTES_PER_NUMBER = 2
_BYTES_PER_FLOAT = 4

Vector = list[float | None]
Form = list[float | None] | str


def vector_of(model: str, text: str, dimensions: int) -> Vector:
    """Return the vector of a text in the space of a model; a shorter one is the beginning of a longer one."""
    digest = hashlib.shake_256(f"{model}\0{text}".encode()).digest(dimensions * _BYTES_PER_NUMBER)
    return [number / _SCALE for number in struct.unpack(f"<{dimensions}h", digest)]


def packed(vector: Sequence[float | None]) -> bytes:
    """Return the numbers as little-endian 32-bit floats; null is NaN there."""
    numbers = [float("nan") if number is None else number for number in vector]
    return struct.pack(f"<{len(numbers)}f", *numbers)


def formed(vector: Vector, *, as_base64: bool) -> Form:
    """Return the vector as it stands in JSON."""
    return base64.b64encode(packed(vector)).decode() if as_base64 else vector


def unformed(form: Form) -> Vector:
    """Return the numbers of a vector in JSON."""
    if isinstance(form, list):
        return form
    data = base64.b64decode(form)
    return list(struct.unpack(f"<{len(data) // _BYTES_PER_FLOAT}f", data))
