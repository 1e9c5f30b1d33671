"""Defines the type of each checked field of a request for a transcription. Others go upstream unchanged."""

from collections.abc import Mapping
from types import MappingProxyType

from gateway.dialects.plain_dialect import NO_STREAM
from gateway.dialects.shared_fields import SHARED
from gateway.settings.field_rule import (
    LIST,
    NUMBER,
    OBJECT,
    TEXT,
    FieldRule,
    one_of,
)

# Source: OpenRouter API reference, "Create transcription". It has no other formats of answers than these two.
FIELDS: Mapping[str, FieldRule] = MappingProxyType({
    **SHARED,
    "input_audio": OBJECT,
    "language": TEXT,
    "prompt": TEXT,
    "response_format": one_of("json", "verbose_json"),
    "temperature": NUMBER,
    "timestamp_granularities": LIST,
    "stream": NO_STREAM,
})  # fmt: skip  # one field a line
REQUIRED = ("input_audio",)
# What ``input_audio`` must have, each a text.
AUDIO_FIELDS = ("data", "format")
FILE = "file"  # the part of a form with the recording
