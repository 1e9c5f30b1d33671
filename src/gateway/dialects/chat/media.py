"""Finds the content parts of a chat that are not text."""

from collections.abc import Mapping
from types import MappingProxyType

from gateway.dialects.prompt_tokens import NO_MEDIA, Media, inline_bytes
from gateway.http.json_values import Json, JsonObject, list_or_empty
from gateway.http.long_strings import NONE, LongStrings

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
    return media or NO_MEDIA


def _add(parts: list[Json], media: Media, long: LongStrings) -> None:
    inputs = {**PART_INPUTS}
    counts = dict.fromkeys(inputs, 0)
    for part in parts:
        name = part.get("type") if isinstance(part, dict) else None
        if not isinstance(name, str) or name not in inputs or not isinstance(part, dict):
            continue
        counts[name] += 1
        inline = inline_bytes(part.get(name), long)
        if name == IMAGE:
            media.image_bytes += inline or 0
        elif inline is None:
            media.has_links = True
        else:
            media.other_bytes += inline
    media.images += counts[IMAGE]
    media.kinds |= {inputs[name] for name, count in counts.items() if count}
