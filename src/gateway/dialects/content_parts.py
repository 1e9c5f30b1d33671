"""Finds the content parts that are not text, in the form that chat and embeddings have in common."""

from collections.abc import Mapping
from types import MappingProxyType

from gateway.dialects.prompt_tokens import Media, inline_bytes
from gateway.http.json_values import Json
from gateway.http.long_strings import LongStrings

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


def add_media(parts: list[Json], media: Media, long: LongStrings) -> None:
    """Add the parts that are not text to ``media``; ``long`` is what was left out of long strings."""
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
