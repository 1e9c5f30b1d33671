"""Reads the token counts of a Responses usage."""

from gateway.dialects.tokens import Tokens, are_stated, tokens_in
from gateway.http.json_values import JsonObject, number_or_none, object_or_empty

# The counts that every usage has. Source: OpenAI API reference, "The response object".
COUNTS = ("input_tokens", "output_tokens")


def tokens_of(usage: JsonObject) -> Tokens:
    """Return the token counts in a usage."""
    prompt = object_or_empty(usage.get("input_tokens_details"))
    answer = object_or_empty(usage.get("output_tokens_details"))
    return Tokens(
        prompt=tokens_in(usage, "input_tokens"),
        completion=tokens_in(usage, "output_tokens"),
        reasoning=tokens_in(answer, "reasoning_tokens"),
        cached=tokens_in(prompt, "cached_tokens"),
        are_stated=are_stated(usage, COUNTS),
    )


def shape_usage(response: JsonObject) -> bool:
    """Give the usage its three counts, because SDKs fail without them; return whether anything changed.

    A usage that is missing or empty becomes null.
    """
    usage = response.get("usage")
    if not isinstance(usage, dict) or not usage:
        changed = "usage" not in response or usage is not None
        response["usage"] = None
        return changed
    missing = [name for name in COUNTS if number_or_none(usage.get(name)) is None]
    usage.update(dict.fromkeys(missing, 0))
    if number_or_none(usage.get("total_tokens")) is not None:
        return bool(missing)
    usage["total_tokens"] = sum(tokens_in(usage, name) for name in COUNTS)
    return True
