"""How many tokens a prompt is, estimated by its bytes and its media."""

from collections.abc import Iterator, Mapping
from types import MappingProxyType

from gateway.http.frozen import dataclass
from gateway.http.json_values import JsonObject, list_or_empty, object_or_empty

# A content part's type, and the kind of input that it is.
# Source: OpenRouter "Multimodal Capabilities"; the architecture's `input_modalities` in its list of models.
PART_INPUTS: Mapping[str, str] = MappingProxyType(
    {
        "image_url": "image",
        "input_audio": "audio",
        "file": "file",
        "video_url": "video",
        "input_video": "video",
    }
)


# Bytes of JSON text a token. Text has three to four. A run of blanks is one token for a hundred and more.
# What a tokenizer does not know, and digits with some, is a token a byte: more than that there are not.
LEAST, LIKELY, MOST = 128, 4, 1


IMAGE_TOKENS_LIKELY = 1_000


IMAGE_TOKENS_MOST = 6_000  # none of the families' tilings makes more of one image


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenEstimate:
    """How many tokens the prompt is, by its bytes: no tokenizer is asked, and each model has its own.

    Attributes:
        least: it is more than this, for all that is known: what does not hold it cannot answer.
        likely: what English text and code come to.
        most: it is no more than this, for money; None where that cannot be told, as with a linked file.
    """

    least: int
    likely: int
    most: int | None


@dataclass(frozen=True, slots=True)
class Media:
    """One part that is no text: its kind, and how many bytes of the body it takes; None for a link."""

    kind: str
    inline_bytes: int | None


def media_in(body: JsonObject) -> Iterator[Media]:
    """Yield every part of a chat's messages that is not text."""
    for each in list_or_empty(body.get("messages")):
        message = object_or_empty(each)
        content = message.get("content")
        if not isinstance(content, list) and "images" not in message:
            continue
        # An answer's own images are sent back beside its text.
        for part in (*(content if isinstance(content, list) else ()), *list_or_empty(message.get("images"))):
            fields = object_or_empty(part)
            kind = PART_INPUTS.get(str(fields.get("type")))
            if kind is not None:
                yield Media(kind, _inline_bytes(fields))


def _inline_bytes(part: JsonObject) -> int | None:
    """Return the length of the data that a part carries; None where it links to it."""
    holder = part.get(str(part.get("type")))
    values = [holder] if isinstance(holder, str) else [*object_or_empty(holder).values()]
    texts = [value for value in values if isinstance(value, str)]
    is_linked = any(text.startswith(("http://", "https://")) for text in texts)
    return None if is_linked else max(map(len, texts), default=0)


def estimate(parts: list[Media], total_bytes: int) -> TokenEstimate:
    """Return how many tokens a prompt is whose body has ``total_bytes``, ``parts`` among them."""
    if not parts:
        return TokenEstimate(
            least=total_bytes // LEAST, likely=total_bytes // LIKELY, most=total_bytes // MOST
        )
    images = sum(part.kind == "image" for part in parts)
    text_bytes = max(0, total_bytes - sum(part.inline_bytes or 0 for part in parts))
    others = [part.inline_bytes for part in parts if part.kind != "image"]
    known = [size for size in others if size is not None]
    return TokenEstimate(
        least=text_bytes // LEAST,
        likely=text_bytes // LIKELY + images * IMAGE_TOKENS_LIKELY,
        most=text_bytes // MOST + images * IMAGE_TOKENS_MOST + sum(known) // MOST
        if len(known) == len(others)
        else None,
    )
