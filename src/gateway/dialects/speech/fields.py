"""Defines the type of each checked field of a request for speech. Others go upstream unchanged."""

from collections.abc import Mapping
from types import MappingProxyType

from gateway.dialects.body import MAX_MODELS
from gateway.dialects.plain_dialect import NO_STREAM
from gateway.settings.field_rule import (
    LIST,
    MODEL,
    MODEL_ITEM,
    NUMBER,
    OBJECT,
    TEXT,
    TEXT_OR_OBJECT,
    FieldRule,
    list_of,
    one_of,
)

# Source: OpenRouter API reference, "Create speech"; OpenAI API reference, "Create speech", whose voice may be
# an object, and whose answers may be events.
FIELDS: Mapping[str, FieldRule] = MappingProxyType({
    "model": MODEL,
    "models": list_of(1, MAX_MODELS, "models' names", MODEL_ITEM),
    "input": TEXT,
    "voice": TEXT_OR_OBJECT,
    "response_format": TEXT,
    "speed": NUMBER,
    "instructions": TEXT,
    "input_references": LIST,
    "stream_format": one_of("audio"),
    "stream": NO_STREAM,
    "gateway": OBJECT,
    "provider": OBJECT,
    "user": TEXT,
    "session_id": TEXT,
})  # fmt: skip  # one field a line
REQUIRED = ("input",)
