"""Defines the type of each checked field of a request for images. Others go upstream unchanged."""

from collections.abc import Mapping
from types import MappingProxyType

from gateway.dialects.body import MAX_MODELS
from gateway.settings.field_rule import (
    FLAG,
    LIST,
    MODEL,
    MODEL_ITEM,
    OBJECT,
    ONE_OR_MORE,
    TEXT,
    FieldRule,
    list_of,
)

# Source: OpenRouter API reference, "Create images"; OpenAI API reference, "Create image".
FIELDS: Mapping[str, FieldRule] = MappingProxyType({
    "model": MODEL,
    "models": list_of(1, MAX_MODELS, "models' names", MODEL_ITEM),
    "prompt": TEXT,
    "n": ONE_OR_MORE,
    "input_references": LIST,
    "stream": FLAG,
    "gateway": OBJECT,
    "provider": OBJECT,
    "user": TEXT,
    "session_id": TEXT,
})  # fmt: skip  # one field a line
REQUIRED = ("prompt",)
