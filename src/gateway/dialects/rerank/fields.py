"""Defines the type of each checked field of a rerank request. Fields not listed go upstream unchanged."""

from collections.abc import Mapping
from types import MappingProxyType

from gateway.dialects.plain_dialect import NO_STREAM
from gateway.dialects.shared_fields import SHARED
from gateway.http.json_values import JsonObject
from gateway.settings.field_rule import (
    FLAG,
    ONE_OR_MORE,
    TEXT,
    FieldRule,
    list_of,
)

MAX_DOCUMENTS = 10_000
DOCUMENT: JsonObject = {"type": ["string", "object"]}

# Source: OpenRouter API reference, "Submit a rerank request".
FIELDS: Mapping[str, FieldRule] = MappingProxyType({
    **SHARED,
    "query": TEXT,
    "documents": list_of(1, MAX_DOCUMENTS, "documents", DOCUMENT),
    "top_n": ONE_OR_MORE,
    "return_documents": FLAG,
    "stream": NO_STREAM,
})  # fmt: skip  # one field a line
REQUIRED = ("query", "documents")
