"""Finds the content parts of a chat that are not text."""

from gateway.dialects.content_parts import add_media
from gateway.dialects.prompt_tokens import NO_MEDIA, Media
from gateway.http.json_values import JsonObject, list_or_empty
from gateway.http.long_strings import NONE, LongStrings


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
                add_media(parts, media, long)
    return media or NO_MEDIA
