"""Reads what the text of any request says of its prompt: how long it is, and whether it is to be cached."""

from gateway.dialects.cache_control import writes_cache
from gateway.dialects.prompt_tokens import Media, TokenEstimate, bytes_of, estimate
from gateway.http.json_values import JsonObject


def read_prompt(body: JsonObject, text: bytes, media: Media) -> tuple[TokenEstimate, bool]:
    """Return how many tokens a prompt has, and whether its request asks for prompt caching.

    Args:
        body: the body, parsed.
        text: the body's fields as JSON.
        media: the parts of the prompt that are not text.
    """
    has_escapes = b"\\" in text and b"\\u" in text
    tokens = estimate(media, bytes_of(text) if has_escapes else len(text))
    return tokens, writes_cache(body, text, has_escapes=has_escapes)
