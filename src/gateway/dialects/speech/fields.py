"""Defines the type of each checked field of a request for speech. Others go upstream unchanged."""

from collections.abc import Mapping
from types import MappingProxyType

from gateway.dialects.plain_dialect import NO_STREAM
from gateway.dialects.shared_fields import SHARED
from gateway.settings.field_rule import (
    LIST,
    NUMBER,
    TEXT,
    TEXT_OR_OBJECT,
    FieldRule,
    one_of,
)

# Source: OpenRouter API reference, "Create speech"; OpenAI API reference, "Create speech", whose voice may be
# an object, and whose answers may be events.
FIELDS: Mapping[str, FieldRule] = MappingProxyType({
    **SHARED,
    "input": TEXT,
    "voice": TEXT_OR_OBJECT,
    "response_format": TEXT,
    "speed": NUMBER,
    "instructions": TEXT,
    "input_references": LIST,
    "stream_format": one_of("audio"),
    "stream": NO_STREAM,
})  # fmt: skip  # one field a line
REQUIRED = ("input",)
