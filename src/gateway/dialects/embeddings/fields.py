"""Defines the type of each checked field of a request for embeddings. Others go upstream unchanged."""

from collections.abc import Mapping
from types import MappingProxyType

from gateway.dialects.plain_dialect import NO_STREAM
from gateway.dialects.shared_fields import SHARED
from gateway.settings.field_rule import (
    ONE_OR_MORE,
    TEXT,
    FieldRule,
    one_of,
)

MAX_INPUTS = 10_000
BASE64 = "base64"
INPUT = FieldRule(
    lambda value: isinstance(value, str) or (isinstance(value, list) and 1 <= len(value) <= MAX_INPUTS),
    f"a string, an array of tokens, or an array of 1 to {MAX_INPUTS} of them",
    {
        "type": ["string", "array", "null"],
        "minItems": 1,
        "maxItems": MAX_INPUTS,
        "items": {"type": ["string", "integer", "array", "object"]},
    },
)
TOKENS = FieldRule(
    lambda value: isinstance(value, (str, dict)),
    "a string, an array of tokens, or an object with content parts",
    {"type": ["string", "object"]},
)

# Source: OpenRouter API reference, "Create embeddings"; OpenAI API reference, "Create embeddings".
FIELDS: Mapping[str, FieldRule] = MappingProxyType({
    **SHARED,
    "input": INPUT,
    "dimensions": ONE_OR_MORE,
    "encoding_format": one_of("float", BASE64),
    "input_type": TEXT,
    "stream": NO_STREAM,
})  # fmt: skip  # one field a line
REQUIRED = ("input",)
