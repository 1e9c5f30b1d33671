"""Defines the type of each checked field of a request for images. Others go upstream unchanged."""

from collections.abc import Mapping
from types import MappingProxyType

from gateway.dialects.shared_fields import SHARED
from gateway.settings.field_rule import (
    FLAG,
    LIST,
    ONE_OR_MORE,
    TEXT,
    FieldRule,
)

# Source: OpenRouter API reference, "Create images"; OpenAI API reference, "Create image".
FIELDS: Mapping[str, FieldRule] = MappingProxyType({
    **SHARED,
    "prompt": TEXT,
    "n": ONE_OR_MORE,
    "input_references": LIST,
    "stream": FLAG,
})  # fmt: skip  # one field a line
REQUIRED = ("prompt",)
