"""Finds out what an event of a stream of images has: a picture, a piece of text, or nothing.

Source: OpenRouter API reference, "Create images", `stream`.
"""

from gateway.dialects.images.answer import has_picture
from gateway.http.json_values import JsonObject

COMPLETED = "image_generation.completed"
# The texts of pictures that are written, such as SVG.
_TEXTS = ("text", "delta")


def has_text(payload: JsonObject) -> bool:
    """Return whether an event has a piece of a text."""
    return any(isinstance(text := payload.get(name), str) and text.strip() for name in _TEXTS)


def is_progress(payload: JsonObject) -> bool:
    """Return whether an event has a picture, complete or in part, or a piece of a text."""
    return has_picture(payload) or has_text(payload)
