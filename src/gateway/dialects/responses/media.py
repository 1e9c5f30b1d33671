"""Finds the content parts of a Responses request that are not text."""

from collections.abc import Iterator, Mapping
from types import MappingProxyType

from gateway.dialects.prompt_tokens import NO_MEDIA, Media, inline_bytes
from gateway.http.json_values import JsonObject, list_or_empty, object_or_empty
from gateway.http.long_strings import NONE, LongStrings

# The kind of input for each type of part.
# Sources: OpenAI API reference, "Create a model response"; OpenRouter's schema of the same.
PART_INPUTS: Mapping[str, str] = MappingProxyType({
    "input_image": "image",
    "computer_screenshot": "image",
    "input_file": "file",
    "input_audio": "audio",
    "input_video": "video",
})  # fmt: skip  # one type a line
# A part that only names a stored file, whose size is unknown.
_FILE = "file_id"


def media_in(body: JsonObject, long: LongStrings = NONE) -> Media:
    """Return the parts that are not text, of messages and of the results of tools.

    ``long`` is what was left out of the body's long strings.
    """
    media = None
    for part in _parts_of(body):
        kind = part.get("type")
        if isinstance(kind, str) and kind in PART_INPUTS:
            media = media or Media()
            media.add(PART_INPUTS[kind], _bytes_of(kind, part, long))
    return media or NO_MEDIA


def _parts_of(body: JsonObject) -> Iterator[JsonObject]:
    for item in map(object_or_empty, list_or_empty(body.get("input"))):
        output = item.get("output")
        if isinstance(output, dict):  # the result of a computer's action is one part
            yield output
        for parts in (item.get("content"), output):
            yield from map(object_or_empty, list_or_empty(parts))


def _bytes_of(kind: str, part: JsonObject, long: LongStrings) -> int | None:
    """Return how many bytes the data of a part takes; None if the part links to it."""
    if part.get(_FILE) is not None:
        return None
    return inline_bytes(object_or_empty(part.get(kind)) or part, long)
