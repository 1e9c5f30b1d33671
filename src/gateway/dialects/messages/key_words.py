"""Puts the words that Anthropic's clients act on at the beginning of an error's message.

Claude Code shortens the conversation after one message, and leaves out the field that another one names. It
reads these words in Anthropic's errors; no field has them. It is imported when a request fails.
"""

import re
from typing import NamedTuple

from gateway.http.errors import GatewayError
from gateway.http.json_values import object_or_empty

TOO_LONG = "prompt is too long"
# Here the prompt fits, and a lower `max_tokens` helps. Clients read the numbers in Anthropic's words.
TOO_LONG_WITH_ANSWER = "exceed context limit"
# The errors of a request that an upstream found at fault.
_REJECTED = frozenset(
    {"rejected_by_provider", "rejected_by_openrouter", "request_rejected", "no_endpoints", "unavailable"}
)
# How much of the upstream's message is searched; see `faults.upstream_message`.
_MAX_SEARCHED = 500
# An upstream's words for a field that it does not take.
_REFUSES = re.compile(
    r"not (?:permitted|supported|allowed|available|valid|accept)|unsupported|does(?: not|n't) support"
    r"|input should|unexpected|unknown|unrecogni[sz]ed|invalid|no endpoints|no longer|must be|does not match",
    re.IGNORECASE,
)


class _Field(NamedTuple):
    """A field that a client can leave out: how an upstream names it, and what the client reads."""

    named: re.Pattern[str]
    words: str


def _field(name: str, *others: str, words: str = "") -> _Field:
    names = "|".join(map(re.escape, (name, *others)))
    return _Field(
        re.compile(rf"(?<!\w)(?:{names})(?!\w)", re.IGNORECASE),
        words or f"{name}: Extra inputs are not permitted",
    )


# The first field counts that the upstream's message names. A part of a field comes before the field.
# Sources: Anthropic's "Extra inputs are not permitted"; OpenRouter's "No endpoints available that support
# Anthropic's context management"; Claude Code, which reads these words.
FIELDS: tuple[_Field, ...] = (
    _field("safeguards"),
    _field("context_management", "context management"),
    _field("thinking.display"),
    _field("thinking.type", "adaptive thinking"),
    _field("output_config.effort", "effort", "reasoning_effort"),
    _field("output_config.format", "output_format", "structured outputs"),
    _field("output_config"),
    _field("cache_control", "cache control", "prompt caching"),
    _field("thinking", "extended thinking"),
    _field(
        "input tag",
        "tool type",
        words="tools: Input tag found using 'type' does not match any of the expected tags",
    ),
)


def with_key_words(error: GatewayError) -> str:
    """Return an error's message. It begins with Anthropic's words, if the client can act on them.

    Only these words come from the table below; the upstream's text is searched, and never repeated here.
    """
    words = _words_for(error)
    if words is None or error.message.lower().startswith(words.lower()):
        return error.message
    return f"{words}: {error.message}" if words == TOO_LONG else f"{words}. {error.message}"


def _words_for(error: GatewayError) -> str | None:
    said = object_or_empty(error.metadata.get("upstream")).get("message")
    if error.code == "context_too_long":
        return None if isinstance(said, str) and TOO_LONG_WITH_ANSWER in said else TOO_LONG
    if error.code not in _REJECTED or not isinstance(said, str):
        return None
    text = said[:_MAX_SEARCHED]
    # A signature of another model's thinking is no field that a client could leave out.
    if "signature" in text.lower() or not _REFUSES.search(text):
        return None
    return next((field.words for field in FIELDS if field.named.search(text)), None)
