"""Finds the content blocks of a Messages request that are not text."""

from collections.abc import Mapping
from types import MappingProxyType

from gateway.dialects.prompt_tokens import NO_MEDIA, Media, inline_bytes
from gateway.http.json_values import Json, JsonObject, list_or_empty, object_or_empty, text_or_none
from gateway.http.long_strings import NONE, LongStrings

# The kind of input for each type of block.
# Sources: Anthropic API reference, "Create a Message"; `input_modalities` of OpenRouter's model list.
BLOCK_INPUTS: Mapping[str, str] = MappingProxyType({"image": "image", "document": "file"})
# Sources of a document that are text for the model. Their length counts as that of any text.
TEXT_SOURCES = frozenset({"text", "content"})
# A source that only names a file, whose size is unknown. Source: Anthropic "Files API".
FILE = "file"


def media_in(body: JsonObject, long: LongStrings = NONE) -> Media:
    """Return the blocks that are not text, also those within a tool's result or a document.

    ``long`` is what was left out of the body's long strings.
    """
    media = None
    left: list[Json] = []
    for message in list_or_empty(body.get("messages")):
        content = object_or_empty(message).get("content")
        if isinstance(content, list):
            left += content
    while left:
        block = left.pop()
        if not isinstance(block, dict):
            continue
        kind, source = block.get("type"), object_or_empty(block.get("source"))
        if kind == "tool_result":
            left += list_or_empty(block.get("content"))
        if not isinstance(kind, str) or kind not in BLOCK_INPUTS:
            continue
        if text_or_none(source.get("type")) in TEXT_SOURCES:
            left += list_or_empty(source.get("content"))
            continue
        media = media or Media()
        is_file = source.get("type") == FILE
        media.add(BLOCK_INPUTS[kind], None if is_file else inline_bytes(source, long))
    return media or NO_MEDIA
