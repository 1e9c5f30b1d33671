"""Defines the type of each checked field of a rerank request. Fields not listed go upstream unchanged."""

from collections.abc import Mapping
from types import MappingProxyType

from gateway.dialects.body import MAX_MODELS
from gateway.dialects.plain_dialect import NO_STREAM
from gateway.http.json_values import JsonObject
from gateway.settings.field_rule import (
    FLAG,
    MODEL,
    MODEL_ITEM,
    OBJECT,
    ONE_OR_MORE,
    TEXT,
    FieldRule,
    list_of,
)

MAX_DOCUMENTS = 10_000
DOCUMENT: JsonObject = {"type": ["string", "object"]}

# Source: OpenRouter API reference, "Submit a rerank request".
FIELDS: Mapping[str, FieldRule] = MappingProxyType({
    "model": MODEL,
    "models": list_of(1, MAX_MODELS, "models' names", MODEL_ITEM),
    "query": TEXT,
    "documents": list_of(1, MAX_DOCUMENTS, "documents", DOCUMENT),
    "top_n": ONE_OR_MORE,
    "return_documents": FLAG,
    "stream": NO_STREAM,
    "gateway": OBJECT,
    "provider": OBJECT,
    "user": TEXT,
    "session_id": TEXT,
})  # fmt: skip  # one field a line
REQUIRED = ("query", "documents")
