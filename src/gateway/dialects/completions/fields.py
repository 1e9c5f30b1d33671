"""Defines the type of each checked field of a completion request. Fields not listed go upstream unchanged."""

from collections.abc import Mapping
from types import MappingProxyType

from gateway.dialects.openai_fields import COMMON
from gateway.http.json_values import Json
from gateway.settings.field_rule import COUNT, FLAG, TEXT, WHOLE, FieldRule

MAX_PROMPTS = 1_000


def _is_prompt(value: Json) -> bool:
    """Return whether a value is a text, tokens, or a list of texts or of tokens."""
    if not isinstance(value, list):
        return isinstance(value, str)
    kinds = {type(each) for each in value}
    if kinds == {int}:
        return True
    return kinds in ({str}, {list}) and len(value) <= MAX_PROMPTS


_TOKENS: Json = {"type": "array", "minItems": 1, "items": {"type": "integer"}}
PROMPT = FieldRule(
    _is_prompt,
    f"a string, an array of tokens, or an array of 1 to {MAX_PROMPTS} of either",
    {
        "type": ["string", "array", "null"],
        "anyOf": [
            {"type": ["string", "null"]},
            _TOKENS,
            {"type": "array", "minItems": 1, "maxItems": MAX_PROMPTS, "items": {"type": "string"}},
            {"type": "array", "minItems": 1, "maxItems": MAX_PROMPTS, "items": _TOKENS},
        ],
    },
)
# Source: OpenAI API reference, "Create completion".
FIELDS: Mapping[str, FieldRule] = MappingProxyType({
    **COMMON,
    "prompt": PROMPT,
    "suffix": TEXT,
    "echo": FLAG,
    "best_of": COUNT,
    "logprobs": WHOLE,
})  # fmt: skip  # one field a line
REQUIRED = ("prompt",)
# With one of these, a text that is cut off cannot be continued by a longer prompt.
NOT_CONTINUED = ("suffix", "echo", "logprobs")
