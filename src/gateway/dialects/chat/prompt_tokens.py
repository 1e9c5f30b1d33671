"""Estimates how many tokens a prompt has, from its bytes and its media."""

from collections.abc import Iterator, Mapping
from types import MappingProxyType

from gateway.http.frozen import dataclass
from gateway.http.json_values import JsonObject, list_or_empty, object_or_empty

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


@dataclass(frozen=True, slots=True)
class Media:
    """One content part that is not text.

    Attributes:
        kind: the kind of input: image, audio, file, video.
        inline_bytes: how many bytes of the body its data takes; None if it is linked.
    """

    kind: str
    inline_bytes: int | None


def media_in(body: JsonObject) -> Iterator[Media]:
    """Yield every content part of a chat's messages that is not text."""
    for each in list_or_empty(body.get("messages")):
        message = object_or_empty(each)
        content = message.get("content")
        if not isinstance(content, list) and "images" not in message:
            continue
        # An earlier answer that is sent back has its images in `images`, apart from its content.
        for part in (*(content if isinstance(content, list) else ()), *list_or_empty(message.get("images"))):
            fields = object_or_empty(part)
            kind = PART_INPUTS.get(str(fields.get("type")))
            if kind is not None:
                yield Media(kind, _inline_bytes(fields))


def _inline_bytes(part: JsonObject) -> int | None:
    """Return the length of the data that a content part holds; None if it links to the data."""
    holder = part.get(str(part.get("type")))
    values = [holder] if isinstance(holder, str) else [*object_or_empty(holder).values()]
    texts = [value for value in values if isinstance(value, str)]
    is_linked = any(text.startswith(("http://", "https://")) for text in texts)
    return None if is_linked else max(map(len, texts), default=0)


def estimate(parts: list[Media], total_bytes: int) -> TokenEstimate:
    """Return how many tokens a prompt has. ``total_bytes`` is its body's length, ``parts`` included."""
    if not parts:
        return TokenEstimate(
            least=total_bytes // LEAST, likely=total_bytes // LIKELY, most=total_bytes // MOST
        )
    images = sum(part.kind == "image" for part in parts)
    text_bytes = max(0, total_bytes - sum(part.inline_bytes or 0 for part in parts))
    sizes = [part.inline_bytes for part in parts if part.kind != "image"]
    known_sizes = [size for size in sizes if size is not None]
    return TokenEstimate(
        least=text_bytes // LEAST,
        likely=text_bytes // LIKELY + images * IMAGE_TOKENS_LIKELY,
        most=text_bytes // MOST + images * IMAGE_TOKENS_MOST + sum(known_sizes) // MOST
        if len(known_sizes) == len(sizes)
        else None,
    )
