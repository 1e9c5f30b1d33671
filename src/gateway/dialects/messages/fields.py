"""Defines the type of each checked field of a Messages request. Fields not listed go upstream unchanged."""

from collections.abc import Mapping
from types import MappingProxyType

from gateway.dialects.body import MAX_MESSAGES, MAX_MODELS, OWN
from gateway.dialects.direct_members import OPENROUTERS_FIELDS
from gateway.http.json_values import JsonObject
from gateway.settings.field_rule import (
    BILLION,
    FLAG,
    LIST,
    MODEL,
    MODEL_ITEM,
    NUMBER,
    OBJECT,
    TEXT,
    TEXT_OR_LIST,
    FieldRule,
    between,
    list_of,
)

MESSAGE_ITEM: JsonObject = {
    "type": "object",
    "required": ["role"],
    "properties": {"role": {"type": "string"}},
}
FALLBACK_ITEM: JsonObject = {
    "type": "object",
    "required": ["model"],
    "properties": {"model": MODEL_ITEM},
    "additionalProperties": False,
}

# A type is checked only if all providers agree on it. Ranges are left to the models, which differ.
# Sources: Anthropic API reference, "Create a Message"; OpenRouter API reference, "Create a message".
FIELDS: Mapping[str, FieldRule] = MappingProxyType({
    "model": MODEL,
    "models": list_of(1, MAX_MODELS, "models' names", MODEL_ITEM),
    "fallbacks": list_of(1, MAX_MODELS, "objects with a `model`", FALLBACK_ITEM),
    "messages": list_of(1, MAX_MESSAGES, "messages", MESSAGE_ITEM),
    "max_tokens": between(1, BILLION - 1),
    "stream": FLAG,
    "gateway": OBJECT,
    "system": TEXT_OR_LIST,
    "temperature": NUMBER,
    "top_p": NUMBER,
    "top_k": NUMBER,
    "stop_sequences": LIST,
    "tools": LIST,
    "tool_choice": OBJECT,
    "thinking": OBJECT,
    "metadata": OBJECT,
    "output_config": OBJECT,
    "context_management": OBJECT,
    "provider": OBJECT,
    "plugins": LIST,
    "user": TEXT,
    "session_id": TEXT,
})  # fmt: skip  # one field a line

# What a request has of the gateway's own fields, and Anthropic's form of a chain.
OWN_HERE = OWN | {"fallbacks"}
# Fields that Anthropic's own API does not know. Source: Anthropic API reference, "Create a Message".
ANTHROPICS_NOT = OPENROUTERS_FIELDS | {"user"}
# With one of these, the answer may be something other than a text.
NOT_TEXT = ("tools", "mcp_servers")
