"""Defines the type of each checked field of a chat request. Fields not listed go upstream unchanged."""

from collections.abc import Mapping
from types import MappingProxyType

from gateway.dialects.body import MAX_MESSAGES
from gateway.dialects.openai_fields import COMMON
from gateway.http.json_values import JsonObject
from gateway.settings.field_rule import (
    COUNT,
    FLAG,
    LIST,
    OBJECT,
    TEXT,
    TEXT_OR_OBJECT,
    WHOLE,
    FieldRule,
    list_of,
)

MESSAGE_ITEM: JsonObject = {
    "type": "object",
    "required": ["role"],
    "properties": {"role": {"type": "string"}},
}

# A type is checked only if all providers agree on it. Ranges are left to the models, which differ.
# Source: OpenRouter API reference, "Create a chat completion".
FIELDS: Mapping[str, FieldRule] = MappingProxyType({
    **COMMON,
    "messages": list_of(1, MAX_MESSAGES, "messages", MESSAGE_ITEM),
    "prompt": TEXT,
    "max_completion_tokens": COUNT,
    "logprobs": FLAG,
    "top_logprobs": WHOLE,
    "tools": LIST,
    "tool_choice": TEXT_OR_OBJECT,
    "parallel_tool_calls": FLAG,
    "response_format": OBJECT,
    "modalities": LIST,
})  # fmt: skip  # one field a line

# With one of these, the answer may be something other than a message's text.
NOT_TEXT = ("tools", "functions", "prompt")
