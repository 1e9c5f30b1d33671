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


def add_media(parts: list[Json], media: Media, long: LongStrings) -> None:
    """Add the parts that are not text to ``media``; ``long`` is what was left out of long strings."""
    inputs = {**PART_INPUTS}
    for part in parts:
        name = part.get("type") if isinstance(part, dict) else None
        if isinstance(name, str) and name in inputs and isinstance(part, dict):
            media.add(inputs[name], inline_bytes(part.get(name), long))
