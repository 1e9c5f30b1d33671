"""Defines the type of each checked field of a chat request. Fields not listed go upstream unchanged."""

from collections.abc import Mapping
from types import MappingProxyType

from gateway.dialects.body import MAX_MESSAGES, MAX_MODELS
from gateway.dialects.direct_members import OPENROUTERS_FIELDS
from gateway.http.json_values import JsonObject
from gateway.settings.field_rule import (
    COUNT,
    FLAG,
    LIST,
    MODEL,
    MODEL_ITEM,
    NUMBER,
    OBJECT,
    TEXT,
    TEXT_OR_LIST,
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
    "model": MODEL,
    "models": list_of(1, MAX_MODELS, "models' names", MODEL_ITEM),
    "messages": list_of(1, MAX_MESSAGES, "messages", MESSAGE_ITEM),
    "prompt": TEXT,
    "stream": FLAG,
    "stream_options": OBJECT,
    "gateway": OBJECT,
    "temperature": NUMBER,
    "top_p": NUMBER,
    "top_k": NUMBER,
    "top_a": NUMBER,
    "min_p": NUMBER,
    "frequency_penalty": NUMBER,
    "presence_penalty": NUMBER,
    "repetition_penalty": NUMBER,
    "seed": WHOLE,
    "n": COUNT,
    "max_tokens": COUNT,
    "max_completion_tokens": COUNT,
    "logprobs": FLAG,
    "top_logprobs": WHOLE,
    "logit_bias": OBJECT,
    "stop": TEXT_OR_LIST,
    "tools": LIST,
    "tool_choice": TEXT_OR_OBJECT,
    "parallel_tool_calls": FLAG,
    "response_format": OBJECT,
    "reasoning": OBJECT,
    "provider": OBJECT,
    "plugins": LIST,
    "transforms": LIST,
    "modalities": LIST,
    "metadata": OBJECT,
    "user": TEXT,
    "session_id": TEXT,
})  # fmt: skip  # one field a line

# The gateway's own fields. They do not go upstream.
OWN = frozenset({"model", "models", "gateway"})
# Fields of a chat that only OpenRouter understands, beside those of every wire format.
# Source: OpenRouter API reference; its SDKs' ModelRequest.
OPENROUTERS_OWN = OPENROUTERS_FIELDS | {
    "transforms",
    "usage",
    "include_reasoning",
    "reasoning",
    "image_config",
    "cache_control",
    "deferred_tools",
}
# With one of these, the answer may be something other than a message's text.
NOT_TEXT = ("tools", "functions", "prompt")
