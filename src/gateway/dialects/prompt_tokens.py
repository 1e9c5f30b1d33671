"""Estimates how many tokens a prompt has, from its bytes and its media."""

import re
from dataclasses import field, replace

from gateway.http.frozen import dataclass
from gateway.http.json_values import Json
from gateway.http.long_strings import NONE, PART_BYTES, LongStrings

LINKS = ("http://", "https://")
# The kind of input of which an estimate counts the parts, and not the bytes.
IMAGE = "image"
# An escape without its backslash. Only of those that stand for an ASCII character, all is matched.
_ESCAPES = re.compile(rb"\\(u00[0-7].|u|.)")
# Replaces some escapes in a large body, see ``http.json_members``.
DELETE = "\x7f"
ASCII_ESCAPES = tuple(b"\\u00%d" % digit for digit in range(8))
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
        text_bytes: how many bytes of the body are no media.
        images: how many images there are.
        other_bytes: how many bytes the data of other media takes.
    """

    least: int
    likely: int
    most: int | None
    text_bytes: int = 0
    images: int = 0
    other_bytes: int = 0

    def plus(self, tokens: int) -> "TokenEstimate":
        """Return the estimate of a prompt that has so many more tokens, which were counted."""
        return replace(
            self,
            least=self.least + tokens,
            likely=self.likely + tokens,
            most=None if self.most is None else self.most + tokens,
        )


@dataclass(slots=True)
class Media:
    """The content parts of a prompt that are not text.

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

    def add(self, kind: str, inline: int | None) -> None:
        """Add a part; ``inline`` is how many bytes its data takes, None if it is a link."""
        self.kinds.add(kind)
        if kind == IMAGE:
            self.images += 1
            self.image_bytes += inline or 0
        elif inline is None:
            self.has_links = True
        else:
            self.other_bytes += inline


NO_MEDIA = Media()


def inline_bytes(holder: Json, long: LongStrings = NONE) -> int | None:
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
            least=total_bytes // LEAST,
            likely=total_bytes // LIKELY,
            most=total_bytes // MOST,
            text_bytes=total_bytes,
        )
    text_bytes = max(0, total_bytes - media.image_bytes - media.other_bytes)
    return TokenEstimate(
        least=text_bytes // LEAST,
        likely=text_bytes // LIKELY + media.images * IMAGE_TOKENS_LIKELY,
        most=None
        if media.has_links
        else text_bytes // MOST + media.images * IMAGE_TOKENS_MOST + media.other_bytes // MOST,
        text_bytes=text_bytes,
        images=media.images,
        other_bytes=media.other_bytes,
    )
