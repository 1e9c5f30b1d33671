"""Estimates how many tokens a prompt has, from its bytes and its media."""

import re
from collections.abc import Mapping
from dataclasses import field
from types import MappingProxyType

from gateway.http.frozen import dataclass
from gateway.http.json_values import Json, JsonObject, list_or_empty
from gateway.http.long_strings import NONE, PART_BYTES, LongStrings

# The kind of input for each type of content part.
# Source: OpenRouter "Multimodal Capabilities"; `input_modalities` of `architecture` in its model list.
PART_INPUTS: Mapping[str, str] = MappingProxyType(
    {
        "image_url": "image",
        "input_audio": "audio",
        "file": "file",
        "video_url": "video",
        "input_video": "video",
    }
)

IMAGE = "image_url"
LINKS = ("http://", "https://")
ASCII_ESCAPES = tuple(b"\\u00%d" % digit for digit in range(8))
# An escape without its backslash. Only of those that stand for an ASCII character, all is matched.
_ESCAPES = re.compile(rb"\\(u00[0-7].|u|.)")
# Replaces some escapes in a large body, see ``http.json_members``.
DELETE = "\x7f"
# Bytes of JSON text per token, for the least, the likely and the largest number of tokens. Text has three to
# four. A run of white space can be one token for a hundred bytes and more. Text that a tokenizer does not
# know takes one token per byte, and so do digits with some tokenizers. No text takes more.
LEAST, LIKELY, MOST = 128, 4, 1

IMAGE_TOKENS_LIKELY = 1_000
IMAGE_TOKENS_MOST = 6_000  # no model family divides one image into more tokens


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenEstimate:
    """How many tokens a prompt has, estimated from its bytes. Each model has its own tokenizer; none is run.

    Attributes:
        least: the lower bound. A model whose context is smaller than this cannot answer.
        likely: the estimate for English text and code.
        most: the upper bound, for limits on cost; None if it is unknown, as with a linked file.
    """

    least: int
    likely: int
    most: int | None


@dataclass(slots=True)
class Media:
    """The content parts of a chat that are not text.

    Attributes:
        kinds: the kinds of input that they are: image, audio, file, video.
        images: how many images there are.
        image_bytes: how many bytes of the body the data of the images takes.
        other_bytes: how many bytes the data of the others takes.
        has_links: whether one that is not an image is a link, so that its size is unknown.
    """

    kinds: set[str] = field(default_factory=set)
    images: int = 0
    image_bytes: int = 0
    other_bytes: int = 0
    has_links: bool = False


_NO_MEDIA = Media()


def media_in(body: JsonObject, long: LongStrings = NONE) -> Media:
    """Return the content parts of a chat's messages that are not text.

    ``long`` is what was left out of the body's long strings.
    """
    media = None
    for message in list_or_empty(body.get("messages")):
        if not isinstance(message, dict):
            continue
        # An earlier answer that is sent back has its images in `images`, apart from its content.
        for parts in (message.get("content"), message.get("images")):
            if isinstance(parts, list):
                media = media or Media()
                _add(parts, media, long)
    return media or _NO_MEDIA


def _add(parts: list[Json], media: Media, long: LongStrings) -> None:
    inputs = {**PART_INPUTS}
    counts = dict.fromkeys(inputs, 0)
    for part in parts:
        name = part.get("type") if isinstance(part, dict) else None
        if not isinstance(name, str) or name not in inputs or not isinstance(part, dict):
            continue
        counts[name] += 1
        inline_bytes = _inline_bytes(part.get(name), long)
        if name == IMAGE:
            media.image_bytes += inline_bytes or 0
        elif inline_bytes is None:
            media.has_links = True
        else:
            media.other_bytes += inline_bytes
    media.images += counts[IMAGE]
    media.kinds |= {inputs[name] for name, count in counts.items() if count}


def _inline_bytes(holder: Json, long: LongStrings) -> int | None:
    """Return the length of the data that a content part holds; None if it links to the data.

    Data is plain ASCII. Anything else counts as text.
    """
    most = 0
    for value in holder.values() if isinstance(holder, dict) else (holder,):
        if not isinstance(value, str):
            continue
        if value.startswith(LINKS):
            return None
        beginning, end = long.split(value)
        if len(beginning) + len(end or b"") > most and beginning.isascii() and DELETE not in beginning:
            end_bytes = _plain_length(end) if end else 0
            most = most if end_bytes is None else max(most, len(beginning) + end_bytes)
    return most


def _plain_length(text: memoryview) -> int | None:
    """Return the length of the end of a JSON string, its escapes decoded; None if it is not plain ASCII."""
    has_escapes = False
    for place in range(0, len(text), PART_BYTES):
        part = bytes(text[place : place + PART_BYTES])
        if not part.isascii() or DELETE.encode() in part:
            return None
        has_escapes = has_escapes or b"\\" in part
    length = len(text)
    for found in _ESCAPES.finditer(text) if has_escapes else ():
        if found[1] == b"u":
            return None
        length -= len(found[1])
    return length


def bytes_of(text: bytes) -> int:
    """Return the most bytes that a JSON text has once its Unicode escapes are replaced by characters."""
    bare = text.replace(b"\\\\", b"")
    # An escape has six bytes. Its character has one byte if it is ASCII, else at most three.
    return len(text) - 3 * bare.count(b"\\u") - 2 * sum(map(bare.count, ASCII_ESCAPES))


def estimate(media: Media, total_bytes: int) -> TokenEstimate:
    """Return how many tokens a prompt has. ``total_bytes`` is its body's length, its media included."""
    if not media.kinds:
        return TokenEstimate(
            least=total_bytes // LEAST, likely=total_bytes // LIKELY, most=total_bytes // MOST
        )
    text_bytes = max(0, total_bytes - media.image_bytes - media.other_bytes)
    return TokenEstimate(
        least=text_bytes // LEAST,
        likely=text_bytes // LIKELY + media.images * IMAGE_TOKENS_LIKELY,
        most=None
        if media.has_links
        else text_bytes // MOST + media.images * IMAGE_TOKENS_MOST + media.other_bytes // MOST,
    )
