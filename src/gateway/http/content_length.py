"""Reads how long a body is from its headers."""

from collections.abc import Callable

MAX_DIGITS = 15


def declared_length(content_length: str | None) -> int | None:
    """Return the length that a ``content-length`` header declares; None if it declares none."""
    text = content_length or ""
    return int(text) if text.isascii() and text.isdigit() and len(text) <= MAX_DIGITS else None


def body_length(header: Callable[[str], str | None]) -> int | None:
    """Return the length of a reply's body as it is read; None if no header tells.

    Args:
        header: returns a header of the reply. A body with a content coding is decoded, and then longer.
    """
    return None if header("content-encoding") else declared_length(header("content-length"))
