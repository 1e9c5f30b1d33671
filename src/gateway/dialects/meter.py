"""Counts what is kept of an answer that arrives in pieces, and stops when it is too much."""

from gateway.http.json_bytes import MAX_VALUES
from gateway.http.json_values import Json


class TooMuchError(Exception):
    """More would be kept than the meter allows."""


class Meter:
    """Counts the bytes and the values that are kept, up to a limit for each."""

    def __init__(self, max_bytes: int, max_values: int = MAX_VALUES) -> None:
        self._bytes_left = max_bytes
        self._values_left = max_values

    def add(self, length: int, values: int) -> None:
        """Count bytes and values; both may be negative.

        Raises:
            TooMuchError: a limit is exceeded.
        """
        self._bytes_left -= length
        self._values_left -= values
        if self._bytes_left < 0 or self._values_left < 0:
            raise TooMuchError


def length_of(text: str) -> int:
    """Return how many bytes a text has in UTF-8."""
    return len(text) if text.isascii() else len(text.encode("utf-8", "surrogatepass"))


def weight_of(value: Json) -> tuple[int, int]:
    """Return about how many bytes a value takes as JSON, and how many values it has."""
    length = values = 0
    left = [value]
    while left:
        each = left.pop()
        values += 1
        length += length_of(each) + 2 if isinstance(each, str) else 1
        if isinstance(each, dict):
            left += each.values()
            left += each
        elif isinstance(each, list):
            left += each
    return length, values
