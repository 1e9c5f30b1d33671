"""Defines the fields that requests have in every wire format of data: models, options, routing, who asks."""

from collections.abc import Mapping
from types import MappingProxyType

from gateway.dialects.body import MAX_MODELS
from gateway.settings.field_rule import MODEL, MODEL_ITEM, OBJECT, TEXT, FieldRule, list_of

SHARED: Mapping[str, FieldRule] = MappingProxyType({
    "model": MODEL,
    "models": list_of(1, MAX_MODELS, "models' names", MODEL_ITEM),
    "gateway": OBJECT,
    "provider": OBJECT,
    "user": TEXT,
    "session_id": TEXT,
})  # fmt: skip  # one field a line
